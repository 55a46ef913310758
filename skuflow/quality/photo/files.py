"""What a picture's file says about itself, beside its pixels."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SRGB = "sRGB"
_SUFFIXES = {
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "PNG": frozenset({".png"}),
    "WEBP": frozenset({".webp"}),
    "GIF": frozenset({".gif"}),
    "BMP": frozenset({".bmp", ".dib"}),
    "TIFF": frozenset({".tif", ".tiff"}),
    "AVIF": frozenset({".avif"}),
    "HEIF": frozenset({".heic", ".heif", ".hif"}),
}
_ORIENTATION_TAG, _EXIF_TAG, _COLOUR_SPACE_TAG = 0x0112, 0x8769, 0xA001
_UNCALIBRATED = 0xFFFF
_PROFILE_NAME_CHARS = 60

# Luminance table of ITU-T T.81, Annex K.1, in zigzag-free order; encoders scale it by their quality.
_STANDARD_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_STANDARD_SUM = sum(map(sum, _STANDARD_TABLE))


@dataclass(frozen=True, slots=True)
class FileFacts:
    """``format``: as its content says, such as "JPEG". ``orientation``: EXIF, 1..8, 1 = upright as stored.

    ``profile``: description of the embedded colour profile, ``SRGB`` where there is none or it is sRGB.
    ``profile_broken``: there is one that cannot be read. ``gamut_unnamed``: the camera says that the colours are no
    sRGB and no profile says what they are. ``jpeg_quality``: 1..100 by its quantisation table, None for other formats.
    """

    format: str = ""
    suffix_fits: bool = True
    animated: bool = False
    orientation: int = 1
    mode: str = "RGB"
    transparent: bool = False
    profile: str = SRGB
    profile_broken: bool = False
    gamut_unnamed: bool = False
    jpeg_quality: float | None = None


def look_at_file(image: Image.Image, suffix: str) -> FileFacts:
    """The facts of a loaded picture whose file name ends in ``suffix`` (with its dot, empty where it has none).

    Whatever in the file is damaged counts as absent, apart from the profile.
    """
    name = "JPEG" if image.format in ("JPEG", "MPO") else str(image.format)
    exif = _exif(image)
    profile, broken = _profile(image.info.get("icc_profile"))
    tables = getattr(image, "quantization", None) if name == "JPEG" else None
    return FileFacts(
        format=name,
        suffix_fits=suffix_fits(name, suffix),
        animated=name in ("GIF", "PNG", "WEBP", "AVIF") and _is_animated(image),
        orientation=exif[0],
        mode=image.mode,
        transparent=image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info,
        profile=profile,
        profile_broken=broken,
        gamut_unnamed=exif[1] == _UNCALIBRATED and not image.info.get("icc_profile"),
        jpeg_quality=jpeg_quality(tables) if tables else None,
    )


def suffix_fits(file_format: str, suffix: str) -> bool:
    """Whether a file of ``file_format`` ("JPEG") may be named so; no suffix says nothing wrong."""
    return not suffix or suffix.lower() in _SUFFIXES.get(file_format, frozenset())


def jpeg_quality(tables: Mapping[int, Sequence[int]]) -> float | None:
    """The quality 1..100 at which the reference encoder would write such a luminance table; None without one."""
    table = tables.get(0)
    if not table:
        return None
    percent = 100.0 * sum(table) / _STANDARD_SUM
    quality = 100.0 - percent / 2 if percent <= 100 else 5000.0 / percent
    return round(min(100.0, max(1.0, quality)), 1)


def _exif(image: Image.Image) -> tuple[int, int]:
    try:
        exif = image.getexif()
        orientation = int(exif.get(_ORIENTATION_TAG, 1))
        space = int(exif.get_ifd(_EXIF_TAG).get(_COLOUR_SPACE_TAG, 1))
    except Exception:  # EXIF is written by anything, and Pillow raises nearly anything about it
        return 1, 1
    return (orientation if 1 <= orientation <= 8 else 1), space


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # the second picture may be damaged; the first is what is used
        return False


def _profile(data: bytes | None) -> tuple[str, bool]:
    from PIL import ImageCms

    if not data:
        return SRGB, False
    try:
        described = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))).strip()
    except (ImageCms.PyCMSError, OSError, ValueError):
        return SRGB, True
    if "srgb" in described.casefold():
        return SRGB, False
    shown = "".join(character for character in described if character.isprintable())
    return shown[:_PROFILE_NAME_CHARS] or "unnamed", False
