"""Labels of origin, read back by readers that are not ours: Pillow, exiv2 and FFmpeg."""

from __future__ import annotations

import io
import json
import struct
from datetime import date
from pathlib import Path
from typing import Any

import av
import exiv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from skuflow.listing.ai_labels import labels_to_switch_on, visible_label
from skuflow.listing.findings import Severity
from skuflow.studio.labels.files import with_packet
from skuflow.studio.labels.labelling import Labelling
from skuflow.studio.labels.origin import AigcLabel, FileLabel, LabelError, Origin, label_in
from skuflow.studio.labels.visible import video_with_visible_label, with_visible_label
from skuflow.studio.picture import Pixels, StudioError
from tests.unit.library import image, video

TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"
NOISE = np.random.default_rng(7).integers(0, 256, (96, 128, 3), dtype=np.uint8)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
exiv2.XmpProperties.registerNs(TC260, "TC260")


def picture(file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, file_format, **options)
    return buffer.getvalue()


def pixels(data: bytes) -> Pixels:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def xmp_by_exiv2(data: bytes) -> dict[str, str]:
    image = exiv2.ImageFactory.open(data)
    image.readMetadata()
    return {entry.key(): entry.toString() for entry in image.xmpData()}


def xmp_by_pillow(data: bytes) -> dict[str, Any]:
    description: dict[str, Any] = Image.open(io.BytesIO(data)).getxmp()["xmpmeta"]["RDF"]["Description"]
    return description


def film(
    path: Path,
    frames: int = 75,
    size: tuple[int, int] = (160, 96),
    level: int = 90,
    packed: str = "+faststart",
) -> Path:
    with av.open(str(path), "w", options={"movflags": packed}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        still = np.full((size[1], size[0], 3), level, dtype=np.uint8)
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
        ("JPEG", {"icc_profile": SRGB}),
        ("JPEG", {"xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><old/></x:xmpmeta>"}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
    ],
)
def test_a_generated_picture_carries_both_labels_and_keeps_its_pixels(
    file_format: str, options: dict[str, Any]
) -> None:
    plain = picture(file_format, **options)
    media_type = f"image/{file_format.lower()}"
    labelled = Labelling("示例 & Co <1>").labelled(plain, media_type, Origin.MODEL, system="wanx wan2.5-i2i")
    assert np.array_equal(pixels(labelled), pixels(plain))
    told = xmp_by_exiv2(labelled)
    assert told["Xmp.iptcExt.DigitalSourceType"] == f"{TYPES}trainedAlgorithmicMedia"
    aigc = json.loads(told["Xmp.TC260.AIGC"])
    assert list(aigc) == [
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    ]  # fmt: skip
    assert (aigc["Label"], aigc["ContentProducer"]) == ("1", "示例 & Co <1>")
    assert len(aigc["ProduceID"]) == 32
    assert xmp_by_pillow(labelled)["DigitalSourceType"] == f"{TYPES}trainedAlgorithmicMedia"
    assert b"<old/>" not in labelled


def test_what_else_stands_in_a_jpeg_stays() -> None:
    exif = Image.Exif()
    exif[0x0112] = 1
    plain = picture("JPEG", exif=exif, icc_profile=b"profile" * 20_000, dpi=(300, 300))
    labelled = Labelling().labelled(plain, "image/jpeg", Origin.PHOTO)
    image = Image.open(io.BytesIO(labelled))
    assert image.info["icc_profile"] == b"profile" * 20_000
    assert image.getexif()[0x0112] == 1
    assert image.info["dpi"] == (300, 300)
    assert len(labelled) - len(plain) < 1200


def test_labelling_again_leaves_one_label() -> None:
    once = Labelling().labelled(picture("JPEG"), "image/jpeg", Origin.MODEL)
    twice = Labelling().labelled(once, "image/jpeg", Origin.COMPOSITE)
    assert twice.count(b"<x:xmpmeta") == 1
    assert "Xmp.TC260.AIGC" not in xmp_by_exiv2(twice)


def test_equal_input_gives_equal_bytes() -> None:
    plain = picture("JPEG")
    labels = {Labelling().labelled(plain, "image/jpeg", Origin.MODEL, system="a b") for _ in range(3)}
    assert len(labels) == 1


@pytest.mark.parametrize("origin", [Origin.PHOTO, Origin.COMPOSITE])
def test_what_no_model_drew_says_so_and_is_not_called_ai(origin: Origin) -> None:
    told = xmp_by_exiv2(Labelling().labelled(picture("JPEG"), "image/jpeg", origin, system="x"))
    assert told["Xmp.iptcExt.DigitalSourceType"] == f"{TYPES}{origin.value}"
    assert "Xmp.TC260.AIGC" not in told
    assert "No trained model" in told["Xmp.dc.description"]


def test_a_vendors_own_label_keeps_its_producer_and_we_are_the_propagator() -> None:
    vendor = FileLabel(Origin.MODEL, AigcLabel("vendor-code", "number-1", reserved_code_1="signature"))
    theirs = with_packet(picture("PNG"), "image/png", vendor.packet())
    ours = Labelling("shop").labelled(
        picture("JPEG"), "image/jpeg", Origin.COMPOSITE_WITH_MODEL, vendor=label_in(theirs)
    )
    aigc = json.loads(xmp_by_exiv2(ours)["Xmp.TC260.AIGC"])
    assert (aigc["ContentProducer"], aigc["ProduceID"], aigc["ReservedCode1"]) == (
        "vendor-code", "number-1", "signature",
    )  # fmt: skip
    assert aigc["ContentPropagator"] == "shop"
    assert aigc["PropagateID"]


def test_an_mp4_carries_the_labels_and_plays_as_before(tmp_path: Path) -> None:
    plain = film(tmp_path / "plain.mp4").read_bytes()
    once = Labelling("first").labelled(plain, "video/mp4", Origin.COMPOSITE)
    labelled = tmp_path / "labelled.mp4"
    labelled.write_bytes(Labelling("shop").labelled(once, "video/mp4", Origin.MODEL, system="kling kling-v3"))
    with av.open(str(labelled), options={"export_xmp": "1"}) as container:
        packet = container.metadata["xmp"]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert f"{TYPES}trainedAlgorithmicMedia" in packet
    assert '"ContentProducer":"shop"' in packet
    with av.open(str(tmp_path / "plain.mp4")) as container:
        before = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert all(np.array_equal(a, b) for a, b in zip(frames, before, strict=True))
    label = label_in(labelled.read_bytes())
    assert label is not None
    assert label.origin is Origin.MODEL


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"", "image/jpeg"),
        (b"\xff\xd8", "image/jpeg"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n\0\0\xff\xffIHDR", "image/png"),
        (b"", "image/png"),
        (b"", "video/mp4"),
        (struct.pack(">I4s", 0, b"mdat"), "video/mp4"),
        (struct.pack(">I4s", 4, b"moov"), "video/mp4"),
        (struct.pack(">I4s", 9999, b"moov"), "video/mp4"),
        (b"abc", "video/mp4"),
        (picture("WEBP"), "image/webp"),
    ],
)
def test_what_cannot_be_labelled_is_refused_in_one_sentence(data: bytes, media_type: str) -> None:
    with pytest.raises(LabelError) as caught:
        Labelling().labelled(data, media_type, Origin.MODEL)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300), st.sampled_from(["image/jpeg", "image/png", "video/mp4"]))
def test_damaged_files_are_refused_and_nothing_else_happens(data: bytes, media_type: str) -> None:
    for start in (b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n"):
        try:
            Labelling().labelled(start + data, media_type, Origin.MODEL)
        except LabelError:
            continue
        # What is taken apart without complaint at least still holds all of itself.
        assert media_type == "video/mp4" or (start + data)[-1:] in with_packet(start + data, media_type, b"x")


@given(st.binary(max_size=400))
def test_reading_a_strangers_packet_never_fails(inside: bytes) -> None:
    label_in(b"<x:xmpmeta" + inside + b"</x:xmpmeta>")
    label_in(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + inside + b"</x:xmpmeta>")


def test_entities_in_a_strangers_packet_are_not_read() -> None:
    packet = FileLabel(Origin.MODEL).packet()
    assert label_in(packet) is not None
    assert label_in(packet.replace(b"<rdf:RDF", b"<!DOCTYPE a [<!ENTITY b 'c'>]><rdf:RDF", 1)) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_producer_is_read_back(producer: str, number: str) -> None:
    spoken = "".join(c for c in producer if c >= " " and not "\ud800" <= c <= "\udfff")
    packet = FileLabel(Origin.MODEL, AigcLabel(producer, number)).packet()
    label = label_in(packet)
    assert label is not None
    assert label.aigc is not None
    assert label.aigc.label == "1"
    if spoken == producer and not set(producer) & set("\ufffe\uffff\x7f\x85\u2028"):
        assert label.aigc.content_producer == producer


# --- the label that people see ---


def test_who_asks_for_a_visible_label_and_since_when() -> None:
    assert visible_label(["US", "EU", "BR"], date(2026, 11, 21)) is None
    assert visible_label(["CN"], date(2025, 8, 31)) is None
    label = visible_label(["US", "CN"], date(2025, 9, 1))
    assert label is not None
    assert (label.markets, label.text_height_ratio, label.video_s) == (("CN",), 0.05, 2.0)


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ("", False),
        ("algorithmicallyEnhanced", False),
        ("compositeSynthetic", False),
        ("compositeWithTrainedAlgorithmicMedia", True),
        ("trainedAlgorithmicMedia", True),
    ],
)
def test_tiktok_shop_has_the_seller_switch_a_label_on_for_what_a_model_drew(origin: str, named: bool) -> None:
    images = (image("main", origin="algorithmicallyEnhanced"), image("scene", 2, origin=origin))
    found = labels_to_switch_on(("amazon", "tiktok_shop"), images, (video(origin=origin),))
    assert [(each.code, each.severity, each.subject) for each in found] == (
        [("AI_LABEL_TO_SWITCH_ON", Severity.WARNING, "image:scene:2, video:1")] if named else []
    )
    assert all("TikTok Shop" in each.message and "TikTok Shop" in each.message_zh for each in found)
    assert labels_to_switch_on(("amazon", "aliexpress"), images, (video(origin=origin),)) == ()


@pytest.mark.parametrize("size", [(800, 800), (1200, 630), (1920, 600), (1080, 1920)])
def test_its_letters_are_five_percent_of_the_shorter_side(size: tuple[int, int]) -> None:
    plain = np.full((size[1], size[0], 3), 40, np.uint8)
    drawn = with_visible_label(plain, "生", 0.05)
    white = (drawn > 190).all(axis=2)
    rows = np.flatnonzero(white.any(axis=1))
    assert rows[-1] - rows[0] + 1 >= 0.05 * min(size)
    assert rows[-1] - rows[0] + 1 <= 0.065 * min(size)


def test_it_keeps_off_the_product() -> None:
    plain = np.full((800, 800, 3), 200, np.uint8)
    box = (300, 300, 800, 800)
    drawn = with_visible_label(plain, "AI生成", 0.05, box)
    changed = (drawn != plain).any(axis=2)
    assert changed.any()
    assert not changed[box[1] : box[3], box[0] : box[2]].any()


def test_a_frame_too_small_for_it_is_refused() -> None:
    with pytest.raises(StudioError, match="LABEL_TOO_WIDE"):
        with_visible_label(np.zeros((400, 40, 3), np.uint8), "AI生成合成内容", 0.3)


@pytest.mark.parametrize("packed", ["+faststart", "+frag_keyframe+empty_moov"])
def test_a_video_shows_it_for_two_seconds_and_not_to_the_end(tmp_path: Path, packed: str) -> None:
    clip = film(tmp_path / "clip.mp4", frames=75, size=(320, 180), packed=packed)
    out = video_with_visible_label(clip, tmp_path / "out.mp4", "AI生成", 0.05, 2.0)
    with av.open(str(out)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 75
    labelled = [bool((frame.max(axis=2) > 180).sum() > 20) for frame in frames]
    assert all(labelled[:50])
    assert not any(labelled[56:])


@pytest.mark.parametrize(
    ("produce_id", "kept"),
    [
        ("x" * 50_000, "x" * 50_000),
        ("x" * 60_000, None),
        ("&" * 20_000, None),
        ("a\uffff\ufffe\ud800b", "ab"),
    ],
    ids=["long", "too long", "too long when escaped", "no XML"],
)
def test_a_vendors_label_never_keeps_its_picture_from_being_labelled(
    produce_id: str, kept: str | None
) -> None:
    vendor = FileLabel(Origin.MODEL, AigcLabel("Vendor", produce_id))
    done = Labelling("Shop").labelled(
        picture("JPEG"), "image/jpeg", Origin.COMPOSITE_WITH_MODEL, vendor=vendor
    )
    label = label_in(done)
    assert label is not None
    assert label.aigc is not None
    assert label.origin is Origin.COMPOSITE_WITH_MODEL
    assert label.aigc.content_producer == ("Shop" if kept is None else "Vendor")
    if kept is not None:
        assert label.aigc.produce_id == kept
