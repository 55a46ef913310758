"""The emulator of Aliyun OSS: a bucket behind V4 signatures, with multipart uploads and events."""

from __future__ import annotations

from typing import Any

from providers.emulators.core.timing import Timing
from providers.emulators.oss.emulator import OssEmulator


def make(timing: Timing | None = None, **options: Any) -> OssEmulator:
    """The emulator with these options of ``OssEmulator``."""
    return OssEmulator(timing=timing, **options)
