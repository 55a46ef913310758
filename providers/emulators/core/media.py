"""Pictures and clips that an emulator hands out: real files, made quickly, the same for the same wish."""

from __future__ import annotations

import hashlib
import io
import random
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

SizePx = tuple[int, int]

_TINY_PX: SizePx = (64, 64)
_TINY_S = 0.5
_TINY_FPS = 24
_KEPT = 64
_ZOOM = 0.06


class Media:
    """Makes media and remembers them by what was asked. ``tiny``: 64 px pictures and one half-second clip, whatever
    size is asked, for tests that move thousands of files. May be used from several threads.
    """

    def __init__(self, tiny: bool = False) -> None:
        self.tiny = tiny
        self._made: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def picture(
        self,
        size_px: SizePx,
        base: bytes | None = None,
        seed: int | str = 0,
        *,
        media_type: str = "image/jpeg",
    ) -> bytes:
        """A JPEG or PNG (by ``media_type``) of that size: a soft backdrop by ``seed``, and ``base`` centred on it.

        Raises ValueError for another type.
        """
        if media_type not in ("image/jpeg", "image/png"):
            raise ValueError(f"media of type {media_type} are not made here")
        size_px = _TINY_PX if self.tiny else size_px
        key = _key("picture", size_px, _digest(base), seed, media_type)
        return self._remember(key, lambda: _encode(_picture(size_px, base, seed), media_type))

    def clip(
        self,
        size_px: SizePx,
        seconds: float,
        first_frame: bytes | None = None,
        fps: int = 24,
        seed: int | str = 0,
    ) -> bytes:
        """A silent H.264 MP4 that opens with ``first_frame`` (filling the frame, else a backdrop) and moves slowly.

        Sides are made even. It has ``round(seconds * fps)`` frames.
        """
        if self.tiny:
            size_px, seconds, first_frame, fps, seed = _TINY_PX, _TINY_S, None, _TINY_FPS, 0
        size_px = (size_px[0] // 2 * 2, size_px[1] // 2 * 2)
        key = _key("clip", size_px, seconds, _digest(first_frame), fps, seed)
        return self._remember(
            key, lambda: _film(_opening(size_px, first_frame, seed), round(seconds * fps), fps)
        )

    def _remember(self, key: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            data = self._made.get(key)
            if data is None:
                data = self._made[key] = make()
                if len(self._made) > _KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return data


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _key(*parts: object) -> str:
    return "/".join(str(part) for part in parts)


def _backdrop(size_px: SizePx, seed: int | str) -> Image.Image:
    """A wall above a floor in calm colours."""
    from PIL import Image

    dice = random.Random(str(seed))
    light = [dice.randint(200, 245) for _ in range(3)]
    column = Image.new("RGB", (1, 64))
    for row in range(64):
        shade = 1.0 - 0.12 * abs(row - 40) / 40 - (0.08 if row > 42 else 0.0)
        column.putpixel((0, row), (int(light[0] * shade), int(light[1] * shade), int(light[2] * shade)))
    return column.resize(size_px, Image.Resampling.BILINEAR)


def _picture(size_px: SizePx, base: bytes | None, seed: int | str) -> Image.Image:
    from PIL import Image, ImageOps

    picture = _backdrop(size_px, seed)
    if base is not None:
        with Image.open(io.BytesIO(base)) as opened:
            product = ImageOps.contain(opened.convert("RGBA"), (size_px[0] * 3 // 4, size_px[1] * 3 // 4))
        place = ((size_px[0] - product.width) // 2, (size_px[1] - product.height) // 2)
        picture.paste(product, place, product)
    return picture


def _opening(size_px: SizePx, first_frame: bytes | None, seed: int | str) -> Image.Image:
    from PIL import Image, ImageOps

    if first_frame is None:
        return _backdrop(size_px, seed)
    with Image.open(io.BytesIO(first_frame)) as opened:
        return ImageOps.fit(opened.convert("RGB"), size_px)


def _encode(picture: Image.Image, media_type: str) -> bytes:
    out = io.BytesIO()
    if media_type == "image/png":
        picture.save(out, "PNG", compress_level=1)
    else:
        picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def _film(opening: Image.Image, frames: int, fps: int) -> bytes:
    """The opening picture, slowly walked into."""
    import av
    import numpy as np

    width, height = opening.size
    first = av.VideoFrame.from_image(opening)  # type: ignore[no-untyped-call]  # PyAV has no types for it
    planes = _planes(first.to_ndarray(format="yuv420p"), width, height)
    # A file, not memory: to put the index in front the muxer reads back what it wrote, by name.
    with tempfile.TemporaryDirectory(prefix="skuflow-clip-") as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "23"})
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for number in range(max(1, frames)):
                zoom = 1.0 + _ZOOM * number / max(1, frames - 1)
                stack = np.concatenate([_closer(plane, zoom).ravel() for plane in planes]).reshape(-1, width)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(stack, format="yuv420p")))
            container.mux(stream.encode())
        return path.read_bytes()


def _planes(stack: Any, width: int, height: int) -> list[Any]:
    """Luma and the two chroma planes of a picture in yuv420p; they are zoomed one by one, which is quicker than RGB."""
    quarter = width * height // 4
    flat = stack.reshape(-1)
    chroma = [flat[width * height + number * quarter :][:quarter] for number in range(2)]
    return [stack[:height], *(plane.reshape(height // 2, width // 2) for plane in chroma)]


def _closer(plane: Any, zoom: float) -> Any:
    import cv2

    height, width = plane.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0.0, zoom)
    return cv2.warpAffine(
        plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
