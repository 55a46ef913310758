"""Photos in: upright, opaque, sRGB, or a code."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from skuflow.catalog import photos
from skuflow.catalog.photos import PhotoError, load_photo
from skuflow.listing.findings import Severity

RED, GREEN = (250, 20, 20), (20, 200, 20)


def two_halves(mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Left half red, right half green."""
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (size[0] // 2, 0, *size))
    return image.convert(mode)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def test_plain_photo(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", two_halves())
    photo = load_photo(path)
    assert photo.pixels.shape == (20, 40, 3)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert photo.size == (40, 20)
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert tuple(photo.pixels[5, 5]) == RED


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [(1, (40, 20), (10, 5)), (3, (40, 20), (10, 35)), (6, (20, 40), (5, 10)), (8, (20, 40), (35, 10))],
)
def test_exif_rotation(
    tmp_path: Path, orientation: int, size: tuple[int, int], red_at: tuple[int, int]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = load_photo(save(tmp_path / "a.jpg", two_halves(), exif=exif, quality=95, subsampling=0))
    assert photo.size == size
    assert photo.pixels.shape == (size[1], size[0], 3)
    assert np.abs(photo.pixels[red_at].astype(int) - RED).max() < 40


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (5, 0, 10, 10))
    photo = load_photo(save(tmp_path / "a.png", image.convert(mode)))
    assert photo.pixels[5, 2].tolist() == [255, 255, 255]
    assert photo.pixels[5, 7].max() < 10


def test_cmyk_and_palette(tmp_path: Path) -> None:
    cmyk = load_photo(save(tmp_path / "a.jpg", two_halves("CMYK"), quality=95))
    assert cmyk.pixels[5, 5, 0] > 200 > 80 > cmyk.pixels[5, 5, 1]
    assert load_photo(save(tmp_path / "a.gif", two_halves("P"))).pixels[5, 5, 0] > 200


def test_sixteen_bits_keep_their_greys(tmp_path: Path) -> None:
    grey = Image.fromarray(np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16))
    pixels = load_photo(save(tmp_path / "a.png", grey)).pixels
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]
    assert abs(int(pixels[8, 0, 0]) - 128) <= 1


def test_another_colour_space_is_converted(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    image = Image.new("LAB", (4, 4), (128, 128, 128))
    image.save(tmp_path / "a.tif", icc_profile=lab)
    pixel = load_photo(tmp_path / "a.tif").pixels[1, 1]
    assert int(pixel.max()) - int(pixel.min()) <= 6
    assert 100 < pixel.mean() < 140


def test_a_damaged_profile_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", two_halves(), icc_profile=b"no profile at all")
    assert tuple(load_photo(path).pixels[5, 5]) == RED


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_huge_photos_are_decoded_small_and_keep_their_true_size(tmp_path: Path, suffix: str) -> None:
    photo = load_photo(save(tmp_path / f"a.{suffix}", two_halves(size=(6100, 20))))
    assert photo.size == (6100, 20)
    assert photo.pixels.shape[1] == 3050


def _png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 9) + b"IDAT" + b"\x00" * 13


def _truncated() -> bytes:
    buffer = io.BytesIO()
    two_halves(size=(400, 400)).save(buffer, "JPEG")
    return buffer.getvalue()[:900]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "PHOTO_MISSING"),
        (b"", "PHOTO_UNDECODABLE"),
        (b"hello", "PHOTO_UNDECODABLE"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "PHOTO_UNDECODABLE"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PHOTO_UNDECODABLE"),
        (b"\xff\xd8\xff\xe0", "PHOTO_UNDECODABLE"),
        (_truncated(), "PHOTO_UNDECODABLE"),
        (_png_header(10, 10), "PHOTO_UNDECODABLE"),
        (_png_header(9000, 9000), "PHOTO_TOO_LARGE"),
        (_png_header(60_000, 60_000), "PHOTO_TOO_LARGE"),
    ],
    ids=["missing", "empty", "text", "svg", "postscript", "stub", "cut off", "no pixels", "81 MP", "bomb"],
)
def test_bad_files_get_their_code(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "a.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PhotoError) as caught:
        load_photo(path)
    assert caught.value.code == code
    finding = caught.value.finding("a.jpg")
    assert (finding.severity, finding.subject) == (Severity.ERROR, "a.jpg")
    assert finding.message_zh


def test_a_folder_and_an_impossible_name_are_missing_photos(tmp_path: Path) -> None:
    for path in (tmp_path, Path("a\x00b"), tmp_path / ("x" * 5000)):
        with pytest.raises(PhotoError, match="PHOTO_MISSING"):
            load_photo(path)


def test_file_size_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "FILE_LIMIT_BYTES", 10)
    with pytest.raises(PhotoError, match="PHOTO_TOO_LARGE"):
        load_photo(save(tmp_path / "a.png", two_halves()))
