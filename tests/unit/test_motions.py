"""Motion presets: which product gets which, and what vendors are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.wire.video_prompts import video_prompt
from providers.wire.words import cut_prompt, vendor_words
from skuflow.catalog.kinds import kinds
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.motions import UnknownMotionError, all_motions, motion_for, unchanged
from skuflow.storage.folder import FolderStore
from tests.unit.video_wishes import video_wish


@pytest.mark.parametrize(
    ("kind", "category", "motion"),
    [
        ("dress", "", "catwalk_turn"),
        ("t_shirt", "", "catwalk_turn"),
        ("mug", "", "pouring_water"),
        ("bottle", "", "pouring_water"),
        ("kettle", "", "rising_steam"),
        ("coffee_machine", "", "rising_steam"),
        ("air_fryer", "", "rising_steam"),
        (None, "Home & Garden > Curtains", "swaying_fabric"),
        (None, "家居/家纺/窗帘", "swaying_fabric"),
        (None, "Apparel > Jackets", "catwalk_turn"),
        (None, "女装/半身裙", "catwalk_turn"),
        (None, "Drinkware", "pouring_water"),
        (None, "咖啡豆", "rising_steam"),
        (None, "Phone accessories > Tempered glass", "slow_push_in"),
        (None, "Luggage > Suitcases", "slow_push_in"),
        (None, "", "slow_push_in"),
        ("speaker", "Curtain speakers", "slow_push_in"),
        # A kind that was looked up in vain is no reason to fail.
        ("teleporter", "", "slow_push_in"),
    ],
)
def test_a_product_gets_the_motion_of_its_kind_or_category(
    kind: str | None, category: str, motion: str
) -> None:
    assert motion_for(kind, category).id == motion


@pytest.mark.parametrize("name", ["rising_steam", "Rising steam", "RISING-STEAM", "热气升腾", "steam"])
def test_a_wanted_motion_wins_under_any_of_its_names(name: str) -> None:
    assert motion_for("dress", "", name).id == "rising_steam"


def test_an_unknown_motion_names_the_choices() -> None:
    with pytest.raises(UnknownMotionError, match=r"'moonwalk'.*catwalk_turn.*slow_push_in"):
        motion_for("dress", "", "moonwalk")


def test_the_kinds_of_the_motions_exist_and_the_presets_asked_for_are_there() -> None:
    named = {kind for motion in all_motions() for kind in motion.kinds}
    assert named <= kinds().keys()
    assert {motion.id for motion in all_motions()} >= {
        "catwalk_turn",
        "pouring_water",
        "swaying_fabric",
        "rising_steam",
        "slow_push_in",
        "turntable",
    }


@pytest.mark.parametrize("motion", all_motions(), ids=lambda motion: motion.id)
def test_every_prompt_insists_on_the_product_as_it_is(motion: object) -> None:
    from skuflow.listing.motions import Motion

    assert isinstance(motion, Motion)
    for word in ("shape", "colours", "printed word", "logo"):
        assert word in motion.prompt_en
    for word in ("形状", "颜色", "文字", "标志"):
        assert word in motion.prompt_zh
    # The shortest limit of the video vendors, with room for a wish.
    assert len(motion.prompt_en) < 1200


def test_a_vendor_is_told_the_motion_of_the_product(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert video_prompt(video_wish(store), 2500, "kling") == motion_for("mug", "").prompt_en
    wanted = video_prompt(video_wish(store, motion="turntable"), 2500, "kling")
    assert wanted == motion_for(None, "", "turntable").prompt_en


def test_what_is_described_is_not_contradicted_by_a_preset(tmp_path: Path) -> None:
    told = video_prompt(video_wish(FolderStore(tmp_path), description="Rain at dusk"), 2500, "kling")
    assert told == f"Rain at dusk. {unchanged('en')}"
    both = video_prompt(
        video_wish(FolderStore(tmp_path), description="Rain at dusk", motion="turntable"), 2500, "kling"
    )
    assert "hidden turntable" in both


def test_a_long_wish_is_shortened_and_the_insistence_stays(tmp_path: Path) -> None:
    told = video_prompt(video_wish(FolderStore(tmp_path), description="soft rain " * 500), 2000, "hailuo")
    assert len(told) <= 2000
    assert len(told) > 1900
    assert told.endswith(unchanged("en"))
    assert "soft rain. The product stays" in told or "soft. The product stays" in told


def test_a_video_from_words_says_what_the_product_is(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    told = video_prompt(video_wish(store, frame_px=None, description="A mug on a windowsill"), 2500, "kling")
    assert told.startswith("A mug on a windowsill. The product is called “Ceramic mug”. ")
    assert "as it is in the picture" not in told


def test_a_prompt_of_the_request_is_taken_as_it_is(tmp_path: Path) -> None:
    told = video_prompt(video_wish(FolderStore(tmp_path), prompt="Only  this."), 2500, "kling")
    assert told == "Only this."


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_long_prompt_is_cut_before_the_insistence(tmp_path: Path, language: str) -> None:
    prompt = f"{'soft rain ' * 400}. {unchanged(language)}"
    told = video_prompt(video_wish(FolderStore(tmp_path), prompt=prompt), 2000, "hailuo")
    assert 1900 < len(told) <= 2000
    assert told.endswith(unchanged(language))
    other = video_prompt(video_wish(FolderStore(tmp_path), prompt="word " * 1000), 2000, "hailuo")
    assert 1990 < len(other) <= 2000


def test_a_rewritten_wish_only_moves_the_camera(tmp_path: Path) -> None:
    product = Product(sku="D", titles={"en": "Dress"}, kind="dress", source=ProductSource(catalog="test"))
    told = video_prompt(video_wish(FolderStore(tmp_path), product=product, rewritten=True), 2500, "kling")
    assert told == motion_for(None, "").prompt_en


def test_an_unknown_motion_is_our_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="moonwalk"):
        video_prompt(video_wish(FolderStore(tmp_path), motion="moonwalk"), 2500, "kling")


@pytest.mark.parametrize(
    ("text", "most_chars", "cut"),
    [
        ("one two three", 20, "one two three"),
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two"),
        ("one two, three", 8, "one two"),
        ("one\n two", 20, "one two"),
        ("一二三四五六七八九十", 5, "一二三四五"),
    ],
)
def test_prompts_are_cut_after_a_word(text: str, most_chars: int, cut: str) -> None:
    assert cut_prompt(text, most_chars) == cut


def test_vendors_words_are_shown_without_secrets_and_addresses() -> None:
    words = vendor_words(
        "bad key TOP-SECRET for https://x.example/a?sig=1\n Bearer abc.def eyJhbGciOiJI.eyJpc3MiOiJB.c2ln",
        ("TOP-SECRET", ""),
    )
    assert words == "bad key ... for (address) ... ..."
    assert vendor_words({"no": "text"}) == ""
    assert len(vendor_words("x" * 1000)) == 300
