"""Every format that sellers send: through the intake gate, and as each vendor takes it."""

from __future__ import annotations

import asyncio
import functools
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from providers.dashscope.qwen import _PICTURE as QWEN
from providers.dashscope.wanx.models import MODELS as WANX
from providers.kling.provider import _PICTURE as KLING
from providers.volcengine.ark.models import IMAGE_INPUT as ARK_IMAGE
from providers.volcengine.ark.models import VIDEO_INPUT as ARK_VIDEO
from providers.volcengine.jimeng.models import IMAGE_INPUT as JIMENG_IMAGE
from providers.volcengine.jimeng.models import VIDEO_INPUT as JIMENG_VIDEO
from providers.wire.inputs import PictureLimits, jpeg_of
from skuflow.catalog.intake import take_in
from skuflow.catalog.photos import DECODED_LIMIT_PX, load_photo
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.listing.findings import Severity
from skuflow.quality.marks.model import Marks
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import StoredObject
from skuflow.studio.cutout import cut_out
from skuflow.studio.picture import Cutout, Pixels

ROOT = Path(__file__).parents[2]
SIDE_PX = 840
RULES: dict[str, PictureLimits] = {
    "qwen": QWEN,
    "kling": KLING,
    # As providers/hailuo/provider.py has it for its smallest first frame.
    "hailuo": PictureLimits(10_000_000, 300, 2560, 2.5),
    "ark image": ARK_IMAGE,
    "ark video": ARK_VIDEO,
    "jimeng image": JIMENG_IMAGE,
    "jimeng video": JIMENG_VIDEO,
    **{f"wanx {name}": model.inputs for name, model in WANX.items() if model.inputs is not None},
}


@functools.cache
def mug() -> Image.Image:
    with Image.open(ROOT / "samples" / "photos" / "01_mug.jpg") as opened:
        return opened.convert("RGB").resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


def saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def turned() -> bytes:
    """Stored lying on its side; the EXIF says how to set it up again."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(mug().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=92)


def sixteen_bits() -> bytes:
    grey = np.asarray(mug().convert("L"), np.uint16) * 257
    return saved(Image.fromarray(grey), "PNG")


def on_nothing() -> Image.Image:
    """The mug with a see-through edge."""
    picture = mug().convert("RGBA")
    alpha = Image.new("L", picture.size, 0)
    alpha.paste(255, (20, 20, SIDE_PX - 20, SIDE_PX - 20))
    picture.putalpha(alpha)
    return picture


def animated(file_format: str) -> bytes:
    second = Image.new("RGB", (SIDE_PX, SIDE_PX), (200, 20, 20))
    return saved(mug(), file_format, save_all=True, append_images=[second], duration=100)


def wide_gamut() -> bytes:
    """The same colours under a profile with swapped primaries, so that passing over it would show."""
    picture = mug().convert("LAB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return saved(picture, "TIFF", icc_profile=profile)


FORMATS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "JPEG": (".jpg", lambda: saved(mug(), "JPEG", quality=92)),
    "JPEG turned by EXIF": (".jpg", turned),
    "JPEG in CMYK": (".jpg", lambda: saved(mug().convert("CMYK"), "JPEG", quality=92)),
    "JPEG in grey": (".jpg", lambda: saved(mug().convert("L"), "JPEG", quality=92)),
    "JPEG of two pictures": (
        ".jpg",
        lambda: saved(mug(), "MPO", save_all=True, append_images=[mug()], quality=92),
    ),
    "PNG": (".png", lambda: saved(mug(), "PNG")),
    "PNG with alpha": (".png", lambda: saved(on_nothing(), "PNG")),
    "PNG of 16 bits": (".png", sixteen_bits),
    "PNG with a palette": (".png", lambda: saved(mug().quantize(256), "PNG")),
    "PNG with a see-through palette colour": (
        ".png",
        lambda: saved(mug().quantize(255), "PNG", transparency=254),
    ),
    "WebP": (".webp", lambda: saved(mug(), "WEBP", quality=92)),
    "WebP with alpha": (".webp", lambda: saved(on_nothing(), "WEBP", lossless=True)),
    "WebP animated": (".webp", lambda: animated("WEBP")),
    "GIF": (".gif", lambda: saved(mug(), "GIF")),
    "GIF animated": (".gif", lambda: animated("GIF")),
    "TIFF in CMYK": (".tif", lambda: saved(mug().convert("CMYK"), "TIFF", compression="tiff_lzw")),
    "TIFF in LAB": (".tif", wide_gamut),
    "BMP": (".bmp", lambda: saved(mug(), "BMP")),
    "AVIF": (".avif", lambda: saved(mug(), "AVIF", quality=90)),
    "HEIC turned on its side": (
        ".heic",
        (ROOT / "tests" / "unit" / "pictures" / "mug-turned.heic").read_bytes,
    ),
}


def require_mug(picture: Image.Image, *, colours: bool) -> None:
    """Raises AssertionError unless it looks like the sample, whose middle is the mug on a bright ground."""
    size = (60, 60)
    left = np.asarray(picture.convert("RGB").resize(size), np.float64)
    right = np.asarray(mug().resize(size), np.float64)
    if not colours:
        left, right = left.mean(axis=2), right.mean(axis=2)
    inner = slice(6, -6)
    assert np.abs(left[inner, inner] - right[inner, inner]).mean() < 9


def require_taken(data: bytes, limits: PictureLimits) -> Image.Image:
    """The picture, once it is proven to keep a vendor's rules."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    assert (picture.format, picture.mode) == ("JPEG", "RGB")
    assert len(data) <= limits.max_bytes
    assert limits.min_side_px <= min(picture.size)
    assert max(picture.size) <= limits.max_side_px
    assert not picture.getexif()
    assert "icc_profile" not in picture.info
    return picture


def made(store: FolderStore, stored: StoredObject, limits: PictureLimits) -> bytes:
    return asyncio.run(jpeg_of(store, stored, limits, "vendor"))


@pytest.fixture
def quick_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after decoding is the same for every format, and takes seconds: done once, for the same mug."""

    def cut(pixels: Pixels) -> Cutout:
        require_mug(Image.fromarray(pixels), colours=False)
        return mug_cutout()

    monkeypatch.setattr("skuflow.studio.cutout.cut_out", cut)
    monkeypatch.setattr("skuflow.quality.marks.find.find_marks", lambda *_, **__: Marks(0.0, 0.0, 0.0))


@functools.cache
def mug_cutout() -> Cutout:
    return cut_out(np.ascontiguousarray(np.asarray(mug())))


@pytest.mark.usefixtures("quick_pixels")
@pytest.mark.parametrize("name", FORMATS)
def test_a_format_goes_through_intake_and_to_every_vendor(tmp_path: Path, name: str) -> None:
    suffix, write = FORMATS[name]
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(write())
    store = FolderStore(tmp_path / "store")
    product = Product(sku="p", titles={"en": "A mug"}, images=(str(path),), source=ProductSource(catalog="c"))
    intake = take_in(product, store, needs_picture=True)
    assert [finding.code for finding in intake.findings if finding.severity is Severity.ERROR] == []
    assert intake.photo is not None
    assert intake.cutout is not None
    assert store.get(intake.photo.key) == path.read_bytes(), "what the seller sent is kept as it is"
    assert intake.photo.key.endswith(suffix)
    colours = "grey" not in name and "16 bits" not in name
    for limits in set(RULES.values()):
        picture = require_taken(made(store, intake.photo, limits), limits)
        require_mug(picture, colours=colours)


def noise_file(path: Path, size_px: tuple[int, int]) -> Path:
    """What compresses worst."""
    pixels = np.random.default_rng(7).integers(0, 256, (size_px[1], size_px[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_giant_is_decoded_smaller_and_fits_everybody(tmp_path: Path) -> None:
    path = tmp_path / "giant.jpg"
    mug().resize((7000, 7000), Image.Resampling.NEAREST).save(path, quality=85)
    photo = load_photo(path)
    assert photo.size == (7000, 7000)
    assert max(photo.pixels.shape) <= DECODED_LIMIT_PX
    store = FolderStore(tmp_path / "store")
    stored = store.put("photos/p/giant.jpg", path.read_bytes(), "image/jpeg")
    require_mug(require_taken(made(store, stored, KLING), KLING), colours=True)


@pytest.mark.parametrize(("max_bytes", "side_px"), [(400_000, 800), (200_000, 640), (120_000, 512)])
def test_too_many_bytes_are_fewer_pixels(tmp_path: Path, max_bytes: int, side_px: int) -> None:
    store = FolderStore(tmp_path / "store")
    path = noise_file(tmp_path / "noise.png", (800, 800))
    stored = store.put("photos/p/noise.png", path.read_bytes(), "image/png")
    limits = PictureLimits(max_bytes, 300, 2000)
    picture = require_taken(made(store, stored, limits), limits)
    assert picture.size[0] <= side_px
    assert picture.size[0] == picture.size[1]


def test_a_picture_that_cannot_be_made_small_enough_is_refused(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    path = noise_file(tmp_path / "noise.png", (400, 400))
    stored = store.put("photos/p/noise.png", path.read_bytes(), "image/png")
    with pytest.raises(InvalidInputError, match="even when compressed"):
        made(store, stored, PictureLimits(5_000, 300, 2000))


@pytest.mark.parametrize(("short_px", "refused"), [(299, True), (300, False), (301, False)])
def test_sides_at_their_limit(tmp_path: Path, short_px: int, refused: bool) -> None:
    store = FolderStore(tmp_path / "store")
    stored = store.put("photos/p/a.png", saved(mug().resize((600, short_px)), "PNG"), "image/png")
    if refused:
        with pytest.raises(InvalidInputError, match="needs 300 px"):
            made(store, stored, KLING)
    else:
        require_taken(made(store, stored, KLING), KLING)


def test_what_cannot_be_opened_says_so_with_its_code(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    stored = store.put("photos/p/a.png", b"no picture", "image/png")
    with pytest.raises(InvalidInputError, match="no picture that can be opened") as caught:
        made(store, stored, KLING)
    assert caught.value.code == "PHOTO_UNDECODABLE"
    store.delete("photos/p/a.png")
    with pytest.raises(TransientError, match="cannot be read from storage"):
        made(store, stored, KLING)


@pytest.mark.parametrize("mode", ["P", "1", "I;16"])
def test_a_giant_of_colour_numbers_or_of_other_depths_is_decoded_too(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "giant.png"
    stripe = np.zeros((64, 2 * DECODED_LIMIT_PX), np.uint16)
    stripe[:, DECODED_LIMIT_PX:] = 65_535
    grey = Image.fromarray((stripe >> 8).astype(np.uint8))
    (Image.fromarray(stripe) if mode == "I;16" else grey.convert(mode)).save(path)
    photo = load_photo(path)
    assert photo.size == (2 * DECODED_LIMIT_PX, 64)
    assert photo.pixels.shape == (32, DECODED_LIMIT_PX, 3)
    assert int(photo.pixels[16, 100].max()) <= 2
    assert int(photo.pixels[16, -100].min()) >= 253
