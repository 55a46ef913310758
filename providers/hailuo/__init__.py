"""MiniMax Hailuo: short videos from a picture or from words, in both versions of its interface."""

from providers.hailuo.provider import HailuoProvider, build

__all__ = ["HailuoProvider", "build"]
