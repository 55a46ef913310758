"""The pictures that a request brings: raw base64 or an address (Kling: image-to-video pages)."""

from __future__ import annotations

import asyncio
import base64
import binascii

from providers.emulators.core.fetching import InputError, Picture, fetch, look_at
from providers.emulators.kling.wishes import bad

LEGACY_BYTES = 10 * 1024 * 1024
NEW_BYTES = 50 * 1024 * 1024
_MIN_SIDE_PX = 300
_MAX_ASPECT = 2.5
_QUICK_BYTES = 100_000
"""Pictures below this are decoded in less time than it takes to hand them to a thread."""


async def take(reference: str, max_bytes: int) -> Picture:
    """The picture, once it satisfies the page's rules: JPEG or PNG, sides of 300 px and more, 1:2.5 to 2.5:1.

    Raises RefusalError with 1201; that a ``data:`` prefix is refused with this code is an assumption (unconfirmed).
    """
    try:
        data = await _bytes(reference, max_bytes)
        picture = look_at(data) if len(data) < _QUICK_BYTES else await asyncio.to_thread(look_at, data)
    except InputError as error:
        raise bad(f"image: {error}") from error
    if picture.format not in ("JPEG", "PNG"):
        raise bad("image must be jpg, jpeg or png")
    if picture.short_px < _MIN_SIDE_PX or not 1 / _MAX_ASPECT <= picture.aspect <= _MAX_ASPECT:
        raise bad("Image pixel is invalid")
    return picture


async def _bytes(reference: str, max_bytes: int) -> bytes:
    if reference.startswith("data:"):
        raise bad("image must be raw base64 without a data: prefix, or an address")
    if reference.startswith(("http://", "https://")):
        return await fetch(reference, max_bytes=max_bytes)
    try:
        data = base64.b64decode(reference, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad("image is neither base64 nor an address") from error
    if len(data) > max_bytes:
        raise bad(f"image has more than {max_bytes} bytes")
    return data
