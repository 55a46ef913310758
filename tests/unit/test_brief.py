"""What a person asks for, and what they ask to have made again."""

from __future__ import annotations

import pytest

from skuflow.listing.brief import Brief, BriefError, Remakes, Stage

SKUS = frozenset({"A-1", "A-1:blue", "货号 7"})


@pytest.mark.parametrize(
    ("wish", "sku", "part"),
    [
        ("A-1:video", "A-1", "video:1"),
        ("A-1:image:scene:2", "A-1", "image:scene:2"),
        ("A-1:scene:2", "A-1", "image:scene:2"),
        ("A-1:scene", "A-1", "image:scene:3"),
        ("A-1:main", "A-1", "image:main:1"),
        ("A-1:copy:es", "A-1", "copy:es"),
        ("A-1:copy", "A-1", "copy:ja"),
        ("A-1:blue:video", "A-1:blue", "video:1"),
        ("A-1:copy", "A-1", "copy:es:amazon"),
        ("A-1:image", "A-1", "image:main:1"),
        ("A-1:copy:es:amazon", "A-1", "copy:es:amazon"),
        ("A-1:copy:pt-BR", "A-1", "copy:pt-BR"),
        ("A-1:copy:zh-hant", "A-1", "copy:zh-Hant"),
        ("货号 7:Copy", "货号 7", "copy:en"),
    ],
)
def test_a_remake_names_a_part(wish: str, sku: str, part: str) -> None:
    assert Remakes.parse((wish,), SKUS).wants(sku, part)


@pytest.mark.parametrize(
    ("wish", "sku", "part"),
    [
        ("A-1:scene:1", "A-1", "image:scene:10"),
        ("A-1:video", "A-1:blue", "video:1"),
        ("A-1:copy:es", "A-1", "copy:en"),
        ("A-1:copy:es", "A-1", "copy:es:amazon"),
        ("A-1:copy:pt", "A-1", "copy:pt-BR"),
        ("A-1:copy:es:amazon", "A-1", "copy:es"),
        ("A-1:image:scene:1", "A-1", "image:scene:1:x"),
        ("A-1:main", "A-1", "image:scene:1"),
    ],
)
def test_a_remake_names_no_other_part(wish: str, sku: str, part: str) -> None:
    assert not Remakes.parse((wish,), SKUS).wants(sku, part)


@pytest.mark.parametrize(
    "wish", ["B-9:video", "A-1", "A-1:", "A-1:song", "A-1:image:", "A-1:scene:", "A-1:banner", "video"]
)
def test_a_remake_of_nothing_is_refused(wish: str) -> None:
    with pytest.raises(BriefError, match=r"write .*\(form: Make again, command line: --remake\)$") as refusal:
        Remakes.parse((wish,), SKUS)
    assert str(refusal.value).startswith(f"'{wish}'")


PARTS = ("copy:en", "copy:pt-BR", "image:main:1", "image:scene:1")


@pytest.mark.parametrize("wish", ["copy", "copy:PT-br", "image", "main", "scene", "image:scene:1"])
def test_a_remake_of_a_part_that_is_made_is_fine(wish: str) -> None:
    Remakes.parse((f"A-1:{wish}",), SKUS).check("A-1", PARTS)


@pytest.mark.parametrize("wish", ["scene:9", "video", "copy:es", "image:banner", "copy:pt"])
def test_a_remake_of_a_part_that_is_not_made_names_those_that_are(wish: str) -> None:
    remakes = Remakes.parse(("A-1:main", f"A-1:{wish}"), SKUS)
    with pytest.raises(BriefError, match="copy:en, copy:pt-BR, image:main:1, image:scene:1") as refusal:
        remakes.check("A-1", iter(PARTS))
    assert wish in str(refusal.value)
    assert "form: Make again" in str(refusal.value)
    remakes.check("A-1:blue", PARTS)


def test_a_remake_of_a_sku_without_parts_says_so() -> None:
    with pytest.raises(BriefError, match="A-1 has no parts"):
        Remakes.parse(("A-1:video",), SKUS).check("A-1", ())


@pytest.mark.parametrize(
    ("name", "stage"), [("copy", Stage.COPY), ("image", Stage.IMAGES), ("Videos", Stage.VIDEO)]
)
def test_stages_go_by_their_usual_names(name: str, stage: Stage) -> None:
    assert Stage.parse(name) is stage


def test_an_unknown_stage_names_the_choices() -> None:
    with pytest.raises(BriefError, match="copy, images, video"):
        Stage.parse("music")


def test_a_video_shape_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(BriefError, match="1080x1920"):
        Brief(video_sizes_px=((640, 480),))


def test_each_video_shape_is_a_shape_of_the_scenes() -> None:
    assert (1080, 1080) in Brief(video_sizes_px=((1080, 1080),)).scene_sizes_px


def test_the_digest_leaves_out_which_stages_run() -> None:
    assert Brief(stages=(Stage.COPY,)).digest() == Brief().digest()
    assert Brief(languages=("en",)).digest() != Brief().digest()
