"""JPEGs that keep to a number of bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from skuflow.studio.jpeg_segments import APP0, APP15, COMMENT, SOI, segments
from skuflow.studio.picture import Pixels, StudioError

BEST_QUALITY = 90
LEAST_QUALITY = 75
"""Below it, blocks and halos show around a product's edges; a smaller picture is the better way to fewer bytes."""
_QUALITY_STEP = 3
_SCALE_STEP_RATIO = 0.9
_LEAST_SIDE_PX = 64

_ADOBE = 0xEE


@dataclass(frozen=True, slots=True)
class Encoded:
    """A JPEG and how it came about; ``size_px`` is smaller than the picture's where quality alone did not do."""

    data: bytes
    size_px: tuple[int, int]
    quality: int


def encode_within(
    pixels: Pixels, max_bytes: int | None, *, quality: int = BEST_QUALITY, subsampling: int = 2
) -> Encoded:
    """RGB pixels as a JPEG of at most ``max_bytes`` (None: of any length).

    Quality is lowered in steps from ``quality``, never below 75 (or ``quality``, where that is less); then the picture
    is scaled down. ``subsampling`` as Pillow counts it: 0 is 4:4:4, 1 is 4:2:2, 2 is 4:2:0. The same pixels give the
    same bytes. Raises StudioError PICTURE_TOO_HEAVY where even a tiny picture would be larger.
    """
    return _within(Image.fromarray(pixels, "RGB"), max_bytes, quality, subsampling, overhead_bytes=0)


def as_jpeg(picture: Image.Image, quality: int, subsampling: int) -> bytes:
    """The picture as a JPEG, in as few bytes as its quality allows; ``subsampling`` as above."""
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling, optimize=True)
    except OSError:
        # Pillow gives an optimised file a buffer of one byte for each pixel, and fine grain takes more.
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def fit_bytes(jpeg: bytes, max_bytes: int) -> Encoded:
    """A JPEG as one of at most ``max_bytes``; the very same bytes where it is one.

    Its colour profile, XMP, EXIF and every other application segment come along untouched: labels survive. Chroma
    keeps its resolution. Raises StudioError: PICTURE_UNREADABLE for what is no JPEG, PICTURE_TOO_HEAVY as above.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
            size_px = opened.size
            if len(jpeg) <= max_bytes:
                return Encoded(jpeg, size_px, 0)
            subsampling = _subsampling(opened)
            same_colours = opened.mode in ("RGB", "L")
            picture = opened.copy() if same_colours else opened.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise StudioError("PICTURE_UNREADABLE", f"the picture cannot be read as a JPEG ({error})") from error
    # A profile of other primaries, such as CMYK's, would be read as one of RGB.
    kept = b"".join(
        segment for segment in _kept_segments(jpeg) if same_colours or segment[4:15] != b"ICC_PROFILE"
    )
    made = _within(picture, max_bytes, BEST_QUALITY, subsampling, overhead_bytes=len(kept))
    return Encoded(_with_segments(made.data, kept), made.size_px, made.quality)


def _within(
    picture: Image.Image, max_bytes: int | None, quality: int, subsampling: int, *, overhead_bytes: int
) -> Encoded:
    for scaled in _ever_smaller(picture):
        for tried in _qualities(quality):
            data = _jpeg(scaled, tried, subsampling)
            if max_bytes is None or len(data) + overhead_bytes <= max_bytes:
                return Encoded(data, scaled.size, tried)
    raise StudioError(
        "PICTURE_TOO_HEAVY", f"no picture of at most {max_bytes} bytes can be made of it; allow more bytes"
    )


def _qualities(first: int) -> Iterator[int]:
    least = min(first, LEAST_QUALITY)
    yield from range(first, least, -_QUALITY_STEP)
    yield least


def _ever_smaller(picture: Image.Image) -> Iterator[Image.Image]:
    """The picture, then smaller and smaller ones, each made of the first."""
    yield picture
    ratio = _SCALE_STEP_RATIO
    while min(picture.size) * ratio >= _LEAST_SIDE_PX:
        size = round(picture.width * ratio), round(picture.height * ratio)
        yield picture.resize(size, Image.Resampling.LANCZOS)
        ratio *= _SCALE_STEP_RATIO


def _jpeg(picture: Image.Image, quality: int, subsampling: int) -> bytes:
    # What the picture brings along is put back byte by byte; Pillow would write its own version of it.
    picture.info = {}
    return as_jpeg(picture, quality, subsampling)


def _subsampling(opened: Image.Image) -> int:
    from PIL import JpegImagePlugin

    found: int = JpegImagePlugin.get_sampling(opened)
    return found if found in (0, 1, 2) else 2


def _kept_segments(jpeg: bytes) -> Iterator[bytes]:
    """Application segments and comments before the picture's data, without JFIF and Adobe's note on its colours, which
    describe the old data.
    """
    for part in segments(jpeg):
        if (APP0 < part.marker <= APP15 and part.marker != _ADOBE) or part.marker == COMMENT:
            yield jpeg[part.start : part.end]


def _with_segments(jpeg: bytes, kept: bytes) -> bytes:
    """``kept`` put where application segments stand: behind JFIF's, which must be the first."""
    first = next(segments(jpeg), None)
    at = first.end if first is not None and first.marker == APP0 else len(SOI)
    return jpeg[:at] + kept + jpeg[at:]
