"""Pictures handed to MiniMax: an address, or base64 that must be a data URI (pages "Image to video", v1 and v2)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from providers.emulators.core.fetching import InputError, Picture, fetch, look_at
from providers.emulators.hailuo.codes import BAD_PARAMS, RefusalError

_DATA_URI = re.compile(r"data:image/[a-z0-9.+-]+;base64,", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a version accepts. Sides in px, ``aspects`` is width by height (least, most)."""

    formats: tuple[str, ...]
    most_bytes: int
    short_side_above_px: int
    longest_px: int | None
    aspects: tuple[float, float] = (0.4, 2.5)


V1_RULES = Rules(("JPEG", "PNG", "WEBP"), 20 * 1024 * 1024 - 1, short_side_above_px=300, longest_px=None)
# Pillow has no HEIC decoder by itself, so HEIC and HEIF, which the vendor takes, are refused here.
V2_RULES = Rules(("JPEG", "PNG", "WEBP"), 30 * 1024 * 1024, short_side_above_px=255, longest_px=5760)


async def take_picture(address: str, rules: Rules) -> Picture:
    """The picture behind an address or in a data URI, checked. Raises RefusalError (2013)."""
    try:
        picture = look_at(await _bytes(address, rules))
    except InputError as error:
        raise RefusalError(BAD_PARAMS, f"image cannot be used: {error}") from error
    if picture.format not in rules.formats:
        raise RefusalError(BAD_PARAMS, f"image format {picture.format} is not supported")
    if picture.size_bytes > rules.most_bytes:
        raise RefusalError(BAD_PARAMS, "image file is too large")
    if picture.short_px <= rules.short_side_above_px:
        raise RefusalError(
            BAD_PARAMS, f"the short side of the image must exceed {rules.short_side_above_px} px"
        )
    if rules.longest_px is not None and picture.long_px > rules.longest_px:
        raise RefusalError(BAD_PARAMS, f"no side of the image may exceed {rules.longest_px} px")
    least, most = rules.aspects
    if not least <= picture.aspect <= most:
        raise RefusalError(BAD_PARAMS, f"the aspect ratio of the image must lie within {least} and {most}")
    return picture


async def _bytes(address: str, rules: Rules) -> bytes:
    if address.startswith(("http://", "https://")):
        return await fetch(address, max_bytes=rules.most_bytes)
    prefix = _DATA_URI.match(address)
    if prefix is None:
        raise InputError("neither a URL nor a data URI (data:image/<format>;base64,...)")
    try:
        return base64.b64decode(address[prefix.end() :], validate=True)
    except ValueError as error:
        raise InputError("the base64 of the data URI is broken") from error
