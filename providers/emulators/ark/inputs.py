"""Pictures handed to Ark: an address, or base64 as a data URI in lower case (pages 82379/1520757 and 1541523)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from providers.emulators.ark.codes import invalid
from providers.emulators.core.fetching import InputError, Picture, fetch, look_at

MOST_BYTES = 30 * 1024 * 1024
MOST_BODY_BYTES = 64 * 1024 * 1024

_DATA_URI = re.compile(r"data:image/(?:jpeg|png|webp|bmp|tiff|gif);base64,")
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")


@dataclass(frozen=True, slots=True)
class Rules:
    """Sides in px, ``aspects`` width by height (least, most), the area in px."""

    sides_px: tuple[int, int]
    aspects: tuple[float, float]
    most_area_px: int = 6000 * 6000


CLIP_RULES = Rules((300, 6000), (0.4, 2.5))
PICTURE_RULES = Rules((15, 100_000), (1 / 16, 16), most_area_px=36_000_000)


async def take_picture(address: str, rules: Rules, param: str) -> Picture:
    """The picture, checked. Raises ArkError (InvalidParameter of ``param``)."""
    try:
        picture = look_at(await _bytes(address))
    except InputError as error:
        raise invalid(param, str(error)) from error
    if picture.format not in _FORMATS:
        raise invalid(param, f"the format {picture.format} is not supported")
    if picture.size_bytes > MOST_BYTES:
        raise invalid(param, "the file has more than 30 MB")
    least_px, most_px = rules.sides_px
    if picture.short_px < least_px or picture.long_px > most_px:
        raise invalid(param, f"each side must lie within {least_px} and {most_px} px")
    if picture.width_px * picture.height_px > rules.most_area_px:
        raise invalid(param, f"the picture has more than {rules.most_area_px} pixels")
    if not rules.aspects[0] <= picture.aspect <= rules.aspects[1]:
        raise invalid(param, "the aspect ratio is out of range")
    return picture


async def _bytes(address: str) -> bytes:
    if address.startswith(("http://", "https://")):
        return await fetch(address, max_bytes=MOST_BYTES)
    prefix = _DATA_URI.match(address)
    if prefix is None:
        raise InputError("neither a URL nor a data URI (data:image/<format>;base64,... in lower case)")
    try:
        return base64.b64decode(address[prefix.end() :], validate=True)
    except ValueError:
        raise InputError("the base64 of the data URI is broken") from None
