from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from skuflow.jobs.result_checks import EXTENSIONS, defect_in


def picture(kind: str) -> bytes:
    out = io.BytesIO()
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    noise.save(out, kind)
    return out.getvalue()


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


MP4 = box(b"ftyp", b"isom0000") + box(b"moov", b"x" * 40) + box(b"mdat", b"y" * 100)
WHOLE = {
    "image/png": picture("PNG"),
    "image/jpeg": picture("JPEG"),
    "image/webp": picture("WEBP"),
    "video/mp4": MP4,
    "application/json": '{"title": "马克杯"}'.encode(),
}


def test_every_type_has_a_sample() -> None:
    assert WHOLE.keys() == EXTENSIONS.keys()


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_whole_result_passes(media_type: str) -> None:
    assert defect_in(WHOLE[media_type], media_type) is None


@pytest.mark.parametrize("media_type", WHOLE)
def test_a_result_cut_short_anywhere_does_not(media_type: str) -> None:
    data = WHOLE[media_type]
    for share in (0, 0.2, 0.5, 0.9):
        assert defect_in(data[: int(len(data) * share)], media_type), f"{share:.0%} of it"


@pytest.mark.parametrize("media_type", WHOLE)
def test_an_error_page_or_another_type_does_not(media_type: str) -> None:
    assert defect_in(b"<html><body>404</body></html>", media_type)
    others = [data for other, data in WHOLE.items() if other != media_type]
    assert all(defect_in(data, media_type) for data in others)


def test_damage_inside_a_png_is_seen() -> None:
    data = bytearray(WHOLE["image/png"])
    data[len(data) // 2] ^= 0xFF
    assert "does not decode" in (defect_in(bytes(data), "image/png") or "")


def test_an_mp4_without_its_index_is_no_video() -> None:
    assert defect_in(box(b"ftyp", b"isom0000") + box(b"mdat", b"y"), "video/mp4") == "it has no moov box"
    endless = box(b"ftyp", b"isom0000") + struct.pack(">I4s", 3, b"moov") + b"x" * 50
    assert "cut off" in (defect_in(endless, "video/mp4") or "")
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 20) + b"y" * 20
    assert defect_in(box(b"ftyp", b"isom0000") + box(b"moov") + large, "video/mp4") is None


def test_size_has_a_limit() -> None:
    assert "more than the 10 allowed" in (defect_in(MP4, "video/mp4", max_bytes=10) or "")


def test_an_unknown_type_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        defect_in(b"x", "image/tiff")
