"""Pictures handed to Jimeng: addresses, or base64 without a ``data:`` prefix (pages 85621/1817045 and 1792710)."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from providers.emulators.core.fetching import InputError, Picture, fetch, look_at
from providers.emulators.jimeng.codes import BAD_INPUT, RefusalError
from providers.emulators.jimeng.requests import ClipWish, PictureWish


@dataclass(frozen=True, slots=True)
class Rules:
    """Bytes and sides that an input may have; ``most_aspect``: long side by short side."""

    most_bytes: int
    shortest_px: int
    longest_px: int = 4096
    most_aspect: float = 3.0


PICTURE_RULES = Rules(15 * 1024 * 1024, shortest_px=1)
CLIP_RULES = Rules(int(4.7 * 1024 * 1024), shortest_px=320)


async def take_pictures(wish: PictureWish | ClipWish) -> tuple[Picture, ...]:
    """The inputs in their order, checked. Raises RefusalError (50215)."""
    rules = PICTURE_RULES if isinstance(wish, PictureWish) else CLIP_RULES
    try:
        data = [await fetch(url, max_bytes=rules.most_bytes) for url in wish.image_urls]
        data += [_decoded(text) for text in wish.pictures_base64]
        return tuple(_checked(look_at(piece), rules) for piece in data)
    except InputError as error:
        raise RefusalError(BAD_INPUT, f"image: {error}") from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise InputError("binary_data_base64 takes plain base64, without a data: prefix") from None


def _checked(picture: Picture, rules: Rules) -> Picture:
    if picture.format not in ("JPEG", "PNG"):
        raise InputError(f"the format {picture.format} is not supported")
    if picture.size_bytes > rules.most_bytes:
        raise InputError(f"the file has more than {rules.most_bytes} bytes")
    if picture.long_px > rules.longest_px:
        raise InputError(f"no side may exceed {rules.longest_px} px")
    if picture.short_px < rules.shortest_px:
        raise InputError(f"the short side must have {rules.shortest_px} px at least")
    if picture.long_px > rules.most_aspect * picture.short_px:
        raise InputError(f"the long side may be {rules.most_aspect:g} times the short side at most")
    return picture
