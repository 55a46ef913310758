"""A generated background: wall, floor and a soft shadow behind a product that stays where it was."""

from __future__ import annotations

import colorsys
import hashlib
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_SHADOW_PX = 256
_ROOM_PX = 512
_FLOOR_SHARE = 0.72


def background(base: bytes, prompt: str, number: int, *, plain: bool = False) -> bytes:
    """A PNG of the size of ``base`` (an RGBA picture), with the product of ``base`` in front, not moved.

    The backdrop's colour follows from ``prompt`` and ``number``. ``plain``: one colour and no shadow, to save time.
    """
    from PIL import Image

    with Image.open(io.BytesIO(base)) as opened:
        product = opened.convert("RGBA")
    dice = hashlib.sha256(f"{prompt}/{number}".encode()).digest()
    calm = colorsys.hsv_to_rgb(dice[0] / 255, 0.08 + dice[1] / 255 * 0.14, 0.82 + dice[2] / 255 * 0.12)
    wall = (round(calm[0] * 255), round(calm[1] * 255), round(calm[2] * 255))
    if plain:
        scene = Image.new("RGB", product.size, wall)
    else:
        scene = _room(product.size, wall, _floor_line(product), _WALLS[(dice[3] + number) % len(_WALLS)])
        _cast_shadow(scene, product)
    scene.paste(product, mask=product.getchannel("A"))
    out = io.BytesIO()
    scene.save(out, "PNG", compress_level=1)
    return out.getvalue()


def extended(base: bytes, backdrop: bytes, *, watermark: bool) -> bytes:
    """A JPEG of ``backdrop`` with ``base`` in its middle as it is, and a mark in the corner where wished."""
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(backdrop)) as opened:
        scene = opened.convert("RGB")
    with Image.open(io.BytesIO(base)) as opened:
        picture = opened.convert("RGB")
    scene.paste(picture, ((scene.width - picture.width) // 2, (scene.height - picture.height) // 2))
    if watermark:
        corner = (scene.width - scene.width // 8, scene.height - scene.height // 20)
        ImageDraw.Draw(scene).rectangle((*corner, scene.width, scene.height), fill="white")
    out = io.BytesIO()
    scene.save(out, "JPEG", quality=92)
    return out.getvalue()


def is_opaque(data: bytes) -> bool:
    """Whether no pixel of a picture is transparent."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        low, _ = opened.convert("RGBA").getchannel("A").getextrema()
    return low == 255


def _floor_line(product: Image.Image) -> float:
    """Where the wall meets the floor, as a share of the height: behind the product's lower part."""
    box = product.getchannel("A").getbbox()
    if box is None:
        return _FLOOR_SHARE
    top, bottom = box[1], box[3]
    return min(0.9, max(0.4, (bottom - 0.25 * (bottom - top)) / product.height))


def _room(
    size_px: tuple[int, int], wall: tuple[int, int, int], floor_line: float, made_of: str
) -> Image.Image:
    """Drawn small and enlarged: light has no edges, and large pictures would take seconds."""
    import numpy as np
    from PIL import Image

    small = (min(size_px[0], _ROOM_PX), min(size_px[1], _ROOM_PX))
    rows = np.linspace(0.0, 1.0, small[1])[:, None]
    columns = np.linspace(-1.0, 1.0, small[0])[None, :]
    wall_light = 0.90 + 0.10 * rows / floor_line
    floor_light = 0.84 + 0.12 * (rows - floor_line) / (1.0 - floor_line)
    light = np.where(rows > floor_line, floor_light, wall_light + _on_wall(made_of, rows, columns))
    light = light - 0.06 * columns**2
    pixels = np.clip(light[..., None] * np.asarray(wall, dtype=float), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8), "RGB").resize(size_px, Image.Resampling.BILINEAR)


_WALLS = ("plain", "window", "panels", "arch", "dusk")


def _on_wall(made_of: str, rows: Any, columns: Any) -> Any:
    """What tells one wall from another, as light to add: scenes of different prompts must not look alike."""
    import numpy as np

    match made_of:
        case "window":
            return np.clip(0.22 - np.abs(columns + 0.45 - rows * 0.5) * 0.9, 0.0, 0.12)
        case "panels":
            return -0.10 * (np.sin(columns * 14.0) > 0.4)
        case "arch":
            inside = (columns / 0.52) ** 2 + (np.clip(0.34 - rows, 0, None) / 0.26) ** 2 < 1.0
            return -0.16 * inside
        case "dusk":
            return -0.34 * (columns + 1.0) / 2.0
    return 0.0


def _cast_shadow(scene: Image.Image, product: Image.Image) -> None:
    """A dark, blurred ellipse below the product, drawn small and enlarged."""
    from PIL import Image, ImageDraw, ImageFilter

    box = product.getchannel("A").getbbox()
    if box is None:
        return
    across, down = _SHADOW_PX / product.width, _SHADOW_PX / product.height
    left, right, bottom = box[0] * across, box[2] * across, box[3] * down
    depth = max(3.0, (right - left) * 0.10)
    shadow = Image.new("L", (_SHADOW_PX, _SHADOW_PX))
    ImageDraw.Draw(shadow).ellipse(
        (left + depth * 0.2, bottom - depth * 1.1, right - depth * 0.1, bottom + depth * 0.2), fill=120
    )
    shadow = shadow.filter(ImageFilter.GaussianBlur(2.5)).resize(scene.size, Image.Resampling.BILINEAR)
    scene.paste((30, 28, 26), mask=shadow)
