"""A corpus of bad and odd picture files, made here: each gets its code, and none ends in a traceback."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from skuflow.catalog.gate.judging import gate_rules
from skuflow.catalog.gate.photo_gate import check_photo
from skuflow.catalog.intake import Gate, file_digests, photo_digest, take_in
from skuflow.catalog.photo_records import PhotoRecord
from skuflow.catalog.photos import load_photo
from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.folder import FolderStore

ROOT = Path(__file__).parents[2]


def picture(width: int = 300, height: int = 240, mode: str = "RGB") -> Image.Image:
    """A dark box on white."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((40, 70, 160), (width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    return image.convert(mode)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def png_with_header(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(
        b"IEND", b""
    )  # fmt: skip


def text_bomb() -> bytes:
    """A small PNG with a compressed comment of 70 MB."""
    body = b"Comment\0\0" + zlib.compress(b"a" * 70_000_000, 9)
    piece = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = encoded(picture(), "PNG")
    return plain[:33] + piece + plain[33:]


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", encoded(picture(), "JPEG"))
    return buffer.getvalue()


JPEG, PNG = encoded(picture(), "JPEG"), encoded(picture(), "PNG")
WEBP, GIF = encoded(picture(), "WEBP"), encoded(picture(), "GIF")
TIFF, BMP = encoded(picture(), "TIFF"), encoded(picture(), "BMP")

UNDECODABLE: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\xff",
    "blanks": b" " * 1000,
    "zeros": bytes(4096),
    "noise": noise(4096),
    "text": "这不是图片".encode(),
    "html": b"<!doctype html><title>404</title>",
    "html with an image": b"<html><img src='a.jpg'></html>",
    "json": b'{"image": "a.jpg"}',
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='900' height='900'/>",
    "svg bomb": b"<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><svg>&b;</svg>",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 900 900\nshowpage\n",
    "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
    "zip": zipped(),
    "gzip": gzip.compress(JPEG, mtime=0),
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + noise(500),
    "jpeg xl": b"\0\0\0\x0cJXL \r\n\x87\n" + noise(500),
    "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + noise(500),
    "camera raw": b"FUJIFILMCCD-RAW 0201" + noise(500),
    "icon": encoded(picture(64, 64), "ICO"),
    "portable pixmap": encoded(picture(), "PPM"),
    "targa": encoded(picture(), "TGA"),
    "pcx": encoded(picture(), "PCX"),
    "jpeg, only its first bytes": JPEG[:3],
    "jpeg, only its header": JPEG[:200],
    "jpeg, half": JPEG[: len(JPEG) // 2],
    "jpeg, without its tables": JPEG[:2] + JPEG[-200:],
    "jpeg of width 0": JPEG.replace(struct.pack(">HH", 240, 300), struct.pack(">HH", 240, 0), 1),
    "png, only its signature": PNG[:8],
    "png, half": PNG[: len(PNG) // 2],
    "png with a broken header sum": PNG[:29] + b"\0\0\0\0" + PNG[33:],
    "png of width 0": png_with_header(0, 10),
    "png of depth 7": png_with_header(10, 10, depth=7),
    "png without enough pixels": png_with_header(900, 900),
    "png of a comment of 70 MB": text_bomb(),
    "webp, half": WEBP[: len(WEBP) // 2],
    "webp, only its header": WEBP[:16],
    "webp of noise": WEBP[:20] + noise(300),
    "gif, only its header": GIF[:13],
    "gif of noise": GIF[:13] + noise(300),
    "tiff, half": TIFF[: len(TIFF) // 2],
    "tiff, only its header": TIFF[:8],
    "tiff that points at itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0" + bytes(16),
    "bmp, half": BMP[: len(BMP) // 2],
    "bmp, only its header": BMP[:30],
}


def files_of_other_trouble() -> dict[str, tuple[bytes, str, str]]:
    """Name -> content, file name, code."""
    frames = [picture(820, 820, "P").point(lambda v, n=n: (v + n) % 250) for n in range(3)]
    turned = Image.Exif()
    turned[0x0112] = 6
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    wide = Image.Exif()
    wide.get_ifd(0x8769)[0xA001] = 0xFFFF
    square = picture(820, 820)
    return {
        "81 megapixels": (png_with_header(9000, 9000), "a.png", "PHOTO_TOO_LARGE"),
        "a bomb of 3.6 gigapixels": (png_with_header(60_000, 60_000), "a.png", "PHOTO_TOO_LARGE"),
        "a bomb that is interlaced": (png_with_header(30_000, 30_000, interlace=1), "a.png", "PHOTO_TOO_LARGE"),
        "one pixel": (encoded(picture(1, 1), "PNG"), "a.png", "ERR_VS_402"),
        "60000 by 1": (encoded(picture(60_000, 1), "PNG"), "a.png", "PHOTO_SHAPE"),
        "1 by 60000": (encoded(picture(1, 60_000), "PNG"), "a.png", "ERR_VS_402"),
        "a banner": (encoded(picture(2000, 180), "PNG"), "a.png", "PHOTO_SHORT_SIDE"),
        "799 wide": (encoded(picture(799, 1200), "PNG"), "a.png", "ERR_VS_402"),
        "png named jpg": (encoded(square, "PNG"), "a.jpg", "PHOTO_MISLABELLED"),
        "webp named png": (encoded(square, "WEBP"), "a.png", "PHOTO_MISLABELLED"),
        "jpeg named gif": (encoded(square, "JPEG"), "a.gif", "PHOTO_MISLABELLED"),
        "a gif of three frames": (
            encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "a.gif", "PHOTO_ANIMATED"),
        "a gif of a thousand frames": (
            encoded(picture(40, 40, "P"), "GIF", save_all=True, append_images=[
                picture(40, 40, "P").point(lambda v, n=n: (v + n) % 250) for n in range(1, 1000)]),
            "a.gif", "PHOTO_ANIMATED"),
        "a webp of three frames": (
            encoded(square, "WEBP", save_all=True, append_images=frames[1:]), "a.webp", "PHOTO_ANIMATED"),
        "turned by EXIF": (encoded(square, "JPEG", exif=turned), "a.jpg", "PHOTO_ROTATED"),
        "CMYK": (encoded(picture(820, 820, "CMYK"), "JPEG"), "a.jpg", "PHOTO_CMYK"),
        "a profile that is noise": (encoded(square, "JPEG", icc_profile=noise(300)), "a.jpg", "PHOTO_PROFILE_BROKEN"),
        "a profile that is cut off": (encoded(square, "JPEG", icc_profile=lab[:100]), "a.jpg", "PHOTO_PROFILE_BROKEN"),
        "a profile of another space": (encoded(square, "JPEG", icc_profile=lab), "a.jpg", "PHOTO_COLOUR_PROFILE"),
        "wide colours without profile": (encoded(square, "JPEG", exif=wide), "a.jpg", "PHOTO_PROFILE_MISSING"),
        "quality 10": (encoded(square, "JPEG", quality=10), "a.jpg", "PHOTO_LOW_QUALITY_JPEG"),
        "partly transparent": (encoded(square.convert("RGBA"), "PNG"), "a.png", "PHOTO_TRANSPARENT"),
        "black all over": (encoded(Image.new("RGB", (820, 820), (9, 9, 9)), "PNG"), "a.png", "PHOTO_DARK"),
    }  # fmt: skip


OTHER = files_of_other_trouble()
MAKERS: dict[str, Callable[[Path], None]] = {
    "nothing there": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nowhere": lambda path: path.symlink_to(path.with_name("gone")),
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


def product(*images: Path | str) -> Product:
    return Product(
        sku="p", titles={"en": "A box"}, images=tuple(map(str, images)), source=ProductSource(catalog="c")
    )


def found(folder: Path, *images: Path | str) -> tuple[Finding, ...]:
    """What intake finds; the digests that a run reads before are read too."""
    one = product(*images)
    photo_digest(one)
    file_digests(one)
    return take_in(one, FolderStore(folder / "storage"), needs_picture=True).findings


def require_words(findings: tuple[Finding, ...]) -> None:
    assert all(finding.message and finding.message_zh and finding.subject for finding in findings)


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len(UNDECODABLE) + len(OTHER) + len(MAKERS) + 3 >= 70


@pytest.mark.parametrize("name", UNDECODABLE)
def test_what_is_no_picture_is_undecodable(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.jpg").write_bytes(UNDECODABLE[name])
    findings = found(tmp_path, tmp_path / "a.jpg")
    assert [(f.code, f.severity) for f in findings] == [("PHOTO_UNDECODABLE", Severity.ERROR)]
    require_words(findings)


@pytest.mark.parametrize("name", OTHER)
def test_odd_pictures_get_their_code(tmp_path: Path, name: str) -> None:
    content, file_name, code = OTHER[name]
    (tmp_path / file_name).write_bytes(content)
    findings = found(tmp_path, tmp_path / file_name)
    assert code in {finding.code for finding in findings}
    require_words(findings)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_no_file_is_missing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.jpg"
    MAKERS[name](path)
    findings = found(tmp_path, path)
    assert [finding.code for finding in findings] == ["PHOTO_MISSING"]
    require_words(findings)


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 5000, ""], ids=["null byte", "too long", "empty"])
def test_impossible_names_are_missing(tmp_path: Path, name: str) -> None:
    assert [finding.code for finding in found(tmp_path, name)] == ["PHOTO_MISSING"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_set_upright(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(320, 200), "JPEG", exif=exif))
    photo = load_photo(path)
    assert photo.size == ((320, 200) if orientation < 5 else (200, 320))
    assert photo.facts.orientation == orientation


def test_a_photo_without_trouble_has_no_finding(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(1200, 1200), "JPEG", quality=92))
    assert found(tmp_path, path) == ()


def record_of(**facts: object) -> PhotoRecord:
    from skuflow.quality.photo.files import FileFacts

    return PhotoRecord(sha256="0" * 64, size_px=(1200, 1200), facts=FileFacts(format="JPEG", **facts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("width", "codes"), [(1200, []), (1199, ["warning"]), (800, ["warning"]), (799, ["error"])]
)
def test_width_at_its_limits(width: int, codes: list[str]) -> None:
    record = record_of().model_copy(update={"size_px": (width, 1200)})
    findings = check_photo(record, "a.jpg", gate_rules(), text="off")
    assert [(f.code, f.severity.value) for f in findings] == [("ERR_VS_402", code) for code in codes]


def test_own_limits_are_used_without_measuring_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = tmp_path / "a.jpg", FolderStore(tmp_path / "storage")
    path.write_bytes(encoded(picture(1200, 1200), "JPEG", quality=92))
    own = tmp_path / "gate.yaml"
    own.write_text("ERR_VS_402: {error: 1300}", encoding="utf-8")
    assert not take_in(product(path), store, needs_picture=True).blocked
    monkeypatch.setattr("skuflow.catalog.photos.decode_photo", None)
    strict = take_in(product(path), store, needs_picture=True, gate=Gate(gate_rules(own)))
    assert [(f.code, f.severity) for f in strict.findings] == [("ERR_VS_402", Severity.ERROR)]
    assert strict.photo is None


def test_a_refusal_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, store = tmp_path / "a.png", FolderStore(tmp_path / "storage")
    pixels = np.random.default_rng(1).integers(0, 255, (900, 900, 3), dtype=np.uint8)
    path.write_bytes(encoded(Image.fromarray(pixels), "PNG"))
    first = take_in(product(path), store, needs_picture=True)
    monkeypatch.setattr("skuflow.studio.cutout.cut_out", None)
    monkeypatch.setattr("skuflow.quality.photo.measures.measure_photo", None)
    assert first.blocked
    assert take_in(product(path), store, needs_picture=True) == first


def test_a_damaged_cutout_in_storage_is_made_anew(tmp_path: Path) -> None:
    path, store = tmp_path / "a.jpg", FolderStore(tmp_path / "storage")
    path.write_bytes(encoded(picture(1200, 1200), "JPEG", quality=92))
    first = take_in(product(path), store, needs_picture=True)
    assert first.cutout is not None
    for key in list(store.list("photo-records")):
        store.delete(key)
    store.delete(first.cutout.key)
    store.put(first.cutout.key, b"\x89PNG broken", "image/png")
    assert take_in(product(path), store, needs_picture=True) == first


def test_a_damaged_cutout_beside_a_known_photo_is_cut_anew(tmp_path: Path) -> None:
    shot = tmp_path / "shot.jpg"
    shot.write_bytes((ROOT / "samples" / "photos" / "01_mug.jpg").read_bytes())
    store, one = FolderStore(tmp_path / "store"), product(shot)
    first = take_in(one, store, needs_picture=True)
    assert first.cutout is not None
    store.delete(first.cutout.key)
    store.put(first.cutout.key, b"damaged", "image/png")
    again = take_in(one, store, needs_picture=True)
    assert again == first


def test_photos_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    files = [tmp_path / folder / "1.jpg" for folder in "ab"]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_bytes(b"%d" % number)
    assert len(set(file_digests(product(*files)).values())) == 2
