"""Kling: short videos from a picture or from words, in both generations of its interface."""

from providers.kling.provider import KlingProvider, build

__all__ = ["KlingProvider", "build"]
