"""Product photos in: decoded, upright, opaque, sRGB."""

from __future__ import annotations

import hashlib
import io
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.listing.findings import Finding, Severity
from skuflow.quality.photo.files import FileFacts, look_at_file
from skuflow.quality.photo.heic import HEIF, is_heic, let_pillow_open_heic

if TYPE_CHECKING:
    from PIL import Image

    from skuflow.studio.picture import Pixels, SizePx

PIXELS_LIMIT = 80_000_000
FILE_LIMIT_BYTES = 100 * 2**20
DECODED_LIMIT_PX = 6000
"""Photos with a longer side than this are decoded at a half, a quarter or an eighth of their size."""

# Formats that sellers' cameras and tools write; Pillow's others include ones that start external programs.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


class PhotoError(Exception):
    """A photo cannot be used. ``code`` is a stable finding code, the messages say what to do."""

    def __init__(self, code: str, message: str, message_zh: str) -> None:
        super().__init__(code, message, message_zh)
        self.code = code
        self.message = message
        self.message_zh = message_zh

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def finding(self, subject: str) -> Finding:
        """The error as a finding about ``subject``."""
        return Finding(
            code=self.code,
            severity=Severity.ERROR,
            subject=subject,
            message=self.message,
            message_zh=self.message_zh,
        )


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo ready for work.

    ``pixels``: uint8 RGB in sRGB, (height, width, 3), C-contiguous, upright, transparent parts on white.
    ``sha256``: hex digest of the file's bytes. ``size``: (width, height) in pixels of the photo as stored,
    upright; larger than ``pixels`` where the photo was decoded at reduced size. ``facts``: what else the file says.
    """

    pixels: Pixels
    sha256: str
    size: SizePx
    facts: FileFacts = field(default_factory=FileFacts)


def load_photo(path: Path) -> Photo:
    """Decode ``path`` into upright, opaque sRGB.

    Raises ``PhotoError``: PHOTO_MISSING, PHOTO_TOO_LARGE (over 80 megapixels or 100 MiB), PHOTO_UNDECODABLE.
    """
    return decode_photo(path, read_photo(path))


def decode_photo(path: Path, content: bytes) -> Photo:
    """As ``load_photo``, of the bytes that ``path`` was found to hold."""
    import numpy as np

    size, image, facts = _decode(path, content)
    return Photo(np.ascontiguousarray(np.asarray(image)), hashlib.sha256(content).hexdigest(), size, facts)


def read_photo(path: Path) -> bytes:
    """The bytes of a photo's file. Raises ``PhotoError``: PHOTO_MISSING (also where it is a folder, a pipe or a
    device), PHOTO_TOO_LARGE."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise OSError("no regular file")
        if found.st_size > FILE_LIMIT_BYTES:
            raise _too_large(path)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise PhotoError(
            "PHOTO_MISSING",
            f"{path.name} cannot be read; check that the file exists and is readable",
            f"无法读取 {path.name}；请确认文件存在且有读取权限",
        ) from error


def _decode(path: Path, content: bytes) -> tuple[SizePx, Image.Image, FileFacts]:
    import warnings

    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # The size is checked below, before any pixel is decoded.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(content), formats=_formats_of(content))
        if image.width * image.height > PIXELS_LIMIT:
            raise _too_large(path)
        stored = image.size
        longest = max(stored)
        if longest > DECODED_LIMIT_PX:
            # Only JPEG can; it takes the largest reduction that leaves at least what is asked for.
            image.draft(None, (stored[0] // 2, stored[1] // 2))
        image.load()
        # Only now: asked for its EXIF, a PNG reads itself to the end, and swallows that it is damaged.
        facts = look_at_file(image, path.suffix)
        upright = ImageOps.exif_transpose(image)
        if max(upright.size) > DECODED_LIMIT_PX:
            upright = _reduced(upright)
        turned = image.getexif().get(_ORIENTATION_TAG, 1) in _TURNED_SIDEWAYS
        return (stored[1], stored[0]) if turned else stored, _opaque_srgb(upright), facts
    except (PhotoError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except Exception as error:  # decoders raise nearly anything for a damaged file
        raise PhotoError(
            "PHOTO_UNDECODABLE",
            f"{path.name} is no picture that can be decoded; save it again as JPEG or PNG",
            f"{path.name} 不是可解码的图片；请重新保存为 JPEG 或 PNG",
        ) from error


def _formats_of(content: bytes) -> tuple[str, ...]:
    if not is_heic(content):
        return _FORMATS
    let_pillow_open_heic()
    return (HEIF,)


_ORIENTATION_TAG = 0x0112
_TURNED_SIDEWAYS = frozenset({5, 6, 7, 8})


def _reduced(image: Image.Image) -> Image.Image:
    """A giant, small enough to be worked on."""
    ratio = -(-max(image.size) // DECODED_LIMIT_PX)
    if image.mode in {"1", "P", "PA"} or image.mode.startswith("I;16"):
        # Colour numbers have no average, and Pillow takes none of 16 bits.
        image = _opaque_srgb(image)
        image.info.clear()
    return image.reduce(ratio)


def _opaque_srgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    profile = image.info.get("icc_profile")
    if image.mode in {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}:
        image = _eight_bit(image)
    alpha = None
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode not in {"RGB", "CMYK", "L", "LAB"}:
        image = image.convert("RGB")
    rgb = _to_srgb(image, profile)
    if alpha is None or alpha.getextrema() == (255, 255):
        return rgb
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=alpha)
    return white


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey with more than 8 bits; full scale is 65535, or the brightest pixel where a file does not use the
    scale.
    """
    import numpy as np
    from PIL import Image

    grey = np.asarray(image, dtype=np.float64)
    full = 65535.0 if grey.max(initial=0.0) > 255 else 255.0
    if image.mode == "F" and grey.max(initial=0.0) <= 1.0:
        full = 1.0
    return Image.fromarray(np.clip(grey / full * 255.0 + 0.5, 0, 255).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    from PIL import ImageCms

    if profile and image.mode in {"RGB", "CMYK", "L", "LAB"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).casefold():
                converted = ImageCms.profileToProfile(
                    image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError):
            # A profile that is damaged, or of another colour space than the pixels, says nothing about them.
            pass
    return image.convert("RGB")


def _too_large(path: Path) -> PhotoError:
    megapixels = PIXELS_LIMIT // 1_000_000
    mib = FILE_LIMIT_BYTES // 2**20
    return PhotoError(
        "PHOTO_TOO_LARGE",
        f"{path.name} has more than {megapixels} megapixels or {mib} MiB; save a smaller copy",
        f"{path.name} 超过 {megapixels} 百万像素或 {mib} MiB；请保存较小的副本",
    )
