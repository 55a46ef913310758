"""All asked sizes of one vendor's picture or clip, as finished bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from skuflow.studio.developing.alignment import Aligned, line_up
from skuflow.studio.developing.clip import video_rendition
from skuflow.studio.developing.find_product import find_product
from skuflow.studio.developing.reframe import Developed, develop_scene, reframe
from skuflow.studio.developing.resample import BoxF
from skuflow.studio.picture import BoxPx, Cutout, Pixels, SizePx, StudioError

__all__ = ["NotMade", "RenditionMade", "Renditions", "renditions_of", "video_rendition"]

JPEG_QUALITY = 90
MAX_PICTURE_PX = 64_000_000


@dataclass(frozen=True, slots=True)
class RenditionMade:
    """One finished size as a JPEG. ``product_box_px``: the product in it, None where it was not found; ``put_back``:
    the product's pixels are those of its photo."""

    size_px: SizePx
    jpeg_bytes: bytes
    product_box_px: BoxPx | None
    put_back: bool


@dataclass(frozen=True, slots=True)
class NotMade:
    """A size that the picture does not give, with the code and the sentence of the reason."""

    size_px: SizePx
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Renditions:
    """``moved``: the vendor was to leave the product in place and did not; says by how much, else None."""

    made: tuple[RenditionMade, ...]
    not_made: tuple[NotMade, ...]
    moved: str | None = None


def renditions_of(
    picture_bytes: bytes,
    cutout: Cutout,
    sizes_px: Iterable[SizePx],
    *,
    known_box_px: BoxF | None,
    geometry_kept: bool,
) -> Renditions:
    """A vendor's picture (JPEG, PNG or WebP) in each of ``sizes_px``, as JPEG of quality 90 with 4:2:0.

    ``known_box_px``: where the product was laid in the picture that the vendor was given, in pixels of its answer;
    ``geometry_kept``: the vendor promises to leave it there, so the photo's own product is put back. Where it was moved
    all the same, or no promise was made, the product is searched for and the picture stays as the vendor drew it.
    A size that cannot be made well is in ``not_made`` and does not keep the others back. Equal input, equal bytes.

    Raises StudioError ``PICTURE_UNREADABLE`` for bytes that are no such picture, ``CUTOUT_EMPTY``.
    """
    picture = _decoded(picture_bytes)
    aligned: Aligned | None = None
    moved: str | None = None
    if geometry_kept and known_box_px is not None:
        try:
            aligned = line_up(picture, cutout, known_box_px)
        except StudioError as error:
            if error.code != "PRODUCT_MOVED":
                raise
            moved = str(error)
    box: BoxF | None = None
    if aligned is None:
        found = find_product(picture, cutout)
        box = found.box_px if found is not None else None
    made: list[RenditionMade] = []
    not_made: list[NotMade] = []
    for size in dict.fromkeys(sizes_px):
        try:
            result = _developed(picture, cutout, aligned, box, size)
        except StudioError as error:
            not_made.append(NotMade(size, error.code, error.message))
        else:
            made.append(
                RenditionMade(size, jpeg_of(result.pixels), result.product_box_px, put_back=result.put_back)
            )
    return Renditions(tuple(made), tuple(not_made), moved)


def jpeg_of(pixels: Pixels) -> bytes:
    """RGB as a JPEG of quality 90 with 4:2:0."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGB").save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=2, optimize=True)
    return buffer.getvalue()


def _developed(
    picture: Pixels, cutout: Cutout, aligned: Aligned | None, box: BoxF | None, size: SizePx
) -> Developed:
    if aligned is not None:
        return develop_scene(picture, cutout, aligned.box_px, size, aligned=aligned)
    plain = reframe(picture, box, size)
    return Developed(plain.pixels, plain.product_box_px, put_back=False)


def _decoded(data: bytes) -> Pixels:
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP"]) as image:
            if image.width * image.height > MAX_PICTURE_PX:
                raise StudioError(
                    "PICTURE_UNREADABLE",
                    f"the vendor's picture has {image.width}x{image.height} px, more than can be worked on; "
                    "ask for a smaller one",
                    image.width * image.height,
                    MAX_PICTURE_PX,
                )
            if "A" in image.getbands() or "transparency" in image.info:
                # A vendor's cut-out with alpha stands on white, not on whatever colour lies under clear pixels.
                clear = image.convert("RGBA")
                ground = Image.new("RGBA", clear.size, (255, 255, 255, 255))
                return np.array(Image.alpha_composite(ground, clear).convert("RGB"))
            return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise StudioError(
            "PICTURE_UNREADABLE", f"the vendor's picture cannot be read ({error}); make it again"
        ) from error
