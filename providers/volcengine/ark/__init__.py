"""Volcengine Ark (火山方舟): Seedream pictures and Seedance video, with an API key."""

from providers.volcengine.ark.provider import ArkProvider, build

__all__ = ["ArkProvider", "build"]
