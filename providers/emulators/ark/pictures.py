"""The pictures that Seedream hands out, with the watermark that it draws unless told not to (page 82379/1541523)."""

from __future__ import annotations

import io

from providers.emulators.ark.requests import PictureWish
from providers.emulators.core.media import Media

WATERMARK = "AI"


def draw_pictures(media: Media, wish: PictureWish, base: bytes | None) -> list[bytes]:
    """As many JPEGs as the wish counts."""
    pictures = [media.picture(wish.size_px, base, f"{wish.prompt}/{number}") for number in range(wish.count)]
    return [watermarked(data) for data in pictures] if wish.watermark else pictures


def watermarked(picture: bytes) -> bytes:
    """The picture with a dark plate and the vendor's word in its lower right corner."""
    from PIL import Image, ImageDraw, ImageFont

    with Image.open(io.BytesIO(picture)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    plate = (width - width // 5, height - height // 12, width - 1, height - 1)
    draw = ImageDraw.Draw(image)
    draw.rectangle(plate, fill=(24, 24, 24))
    font = ImageFont.load_default(size=max(6, height // 20))
    draw.text((plate[0] + width // 40, plate[1]), WATERMARK, fill=(250, 250, 250), font=font)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
