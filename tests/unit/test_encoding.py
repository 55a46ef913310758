"""JPEGs that keep to a number of bytes, and to what they carry."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from skuflow.studio.encoding import BEST_QUALITY, LEAST_QUALITY, Encoded, encode_within, fit_bytes
from skuflow.studio.picture import Pixels, StudioError

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'
    b"</x:xmpmeta>"
)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def busy(width: int = 320, height: int = 240) -> Pixels:
    """Fine grain over a soft ground: many bytes, and fewer of them at lower quality."""
    grain = np.random.default_rng(7).normal(0, 18, (height, width, 3))
    ground = np.linspace(60, 200, width)[None, :, None]
    return np.clip(ground + grain, 0, 255).astype(np.uint8)


def photo(quality: int = 95, subsampling: int = 0) -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(busy(), "RGB")
    exif = Image.Exif()
    exif[0x010E] = "a mug"
    picture.save(
        buffer, "JPEG", quality=quality, subsampling=subsampling, icc_profile=PROFILE, xmp=XMP, exif=exif
    )
    return buffer.getvalue()


def opened(encoded: Encoded) -> Image.Image:
    picture = Image.open(io.BytesIO(encoded.data))
    picture.load()
    return picture


def at_quality(quality: int) -> int:
    return len(encode_within(busy(), None, quality=quality).data)


def test_without_a_limit_nothing_is_given_up() -> None:
    made = encode_within(busy(), None)
    assert (made.size_px, made.quality) == ((320, 240), BEST_QUALITY)
    assert opened(made).size == (320, 240)


def test_at_just_under_and_just_over_the_bytes_of_full_quality() -> None:
    full = at_quality(BEST_QUALITY)
    assert encode_within(busy(), full).quality == BEST_QUALITY
    assert encode_within(busy(), full + 1).quality == BEST_QUALITY
    lowered = encode_within(busy(), full - 1)
    assert LEAST_QUALITY <= lowered.quality < BEST_QUALITY
    assert len(lowered.data) < full
    assert lowered.size_px == (320, 240)


def test_quality_ends_at_75_and_then_the_picture_shrinks() -> None:
    assert LEAST_QUALITY == 75
    least = at_quality(LEAST_QUALITY)
    assert encode_within(busy(), least) == Encoded(
        encode_within(busy(), None, quality=LEAST_QUALITY).data, (320, 240), LEAST_QUALITY
    )
    smaller = encode_within(busy(), least - 1)
    assert smaller.size_px == (288, 216)
    assert len(smaller.data) < least
    assert smaller.quality >= LEAST_QUALITY
    assert opened(smaller).size == (288, 216)


def test_a_quality_below_75_that_is_asked_for_is_kept() -> None:
    assert encode_within(busy(), None, quality=60).quality == 60
    assert encode_within(busy(), at_quality(60) - 1, quality=60).quality == 60


def test_the_same_pixels_give_the_same_bytes() -> None:
    assert encode_within(busy(), 9_000) == encode_within(busy(), 9_000)


def test_a_file_that_fits_is_left_as_it_is() -> None:
    data = photo()
    assert fit_bytes(data, len(data)).data is data
    assert fit_bytes(data, len(data) - 1).data != data


@pytest.mark.parametrize("share_of_bytes", [0.7, 0.25])
def test_what_a_file_carries_survives(share_of_bytes: float) -> None:
    data = photo()
    limit = int(len(data) * share_of_bytes)
    made = fit_bytes(data, limit)
    assert len(made.data) <= limit
    before, after = Image.open(io.BytesIO(data)), opened(made)
    assert after.info["icc_profile"] == before.info["icc_profile"] == PROFILE
    assert after.info["xmp"] == before.info["xmp"] == XMP
    assert after.getexif()[0x010E] == "a mug"
    assert data[data.index(b"Exif") : data.index(b"a mug")] in made.data
    assert (after.size == before.size) == (made.size_px == (320, 240))


def test_what_a_file_carries_counts_as_bytes() -> None:
    bare = len(encode_within(busy(), None, subsampling=0).data)
    assert fit_bytes(photo(), bare).quality < BEST_QUALITY


def test_a_label_put_in_twice_and_a_comment_survive() -> None:
    data = photo()
    extra = b"\xff\xeb\x00\x09C2PA-ok\xff\xfe\x00\x07hello"
    labelled = data[:2] + extra + data[2:]
    made = fit_bytes(labelled, int(len(labelled) * 0.6))
    assert b"C2PA-ok" in made.data
    assert b"\xff\xfe\x00\x07hello" in made.data
    assert opened(made).size == (320, 240)


def test_grey_pictures_stay_grey() -> None:
    buffer = io.BytesIO()
    Image.fromarray(busy(), "RGB").convert("L").save(buffer, "JPEG", quality=95)
    assert opened(fit_bytes(buffer.getvalue(), 20_000)).mode == "L"


def test_a_profile_of_ink_is_not_put_on_light() -> None:
    buffer = io.BytesIO()
    Image.fromarray(busy(), "RGB").convert("CMYK").save(
        buffer, "JPEG", quality=95, icc_profile=b"ink", xmp=XMP
    )
    made = opened(fit_bytes(buffer.getvalue(), 20_000))
    assert made.mode == "RGB"
    assert "icc_profile" not in made.info
    assert made.info["xmp"] == XMP


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a", photo()[:200]])
def test_no_jpeg_is_said_so(data: bytes) -> None:
    with pytest.raises(StudioError) as told:
        fit_bytes(data, 1)
    assert told.value.code == "PICTURE_UNREADABLE"


def test_a_limit_that_nothing_keeps_is_said_so() -> None:
    with pytest.raises(StudioError) as told:
        encode_within(busy(), 100)
    assert told.value.code == "PICTURE_TOO_HEAVY"
