"""Styles by kind and market, and the markets themselves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skuflow.catalog.kinds import kinds
from skuflow.listing.findings import Severity
from skuflow.listing.markets import (
    DEFAULT_LANGUAGES,
    UnknownMarketError,
    find_market,
    languages_for,
    market,
    markets,
    with_regions,
)
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.listing.rules import text_limits
from skuflow.listing.styles import (
    Style,
    UnknownStyleError,
    all_styles,
    choose_styles,
    find_style,
    market_style_finding,
    style,
)

SCENES = Path(__file__).resolve().parents[2] / "skuflow" / "studio" / "scene_plates" / "scenes.json"


def anything(_: Style) -> bool:
    return True


@pytest.mark.parametrize("kind", [*kinds(), None])
@pytest.mark.parametrize("places", [(), ("CN", "US", "EU"), ("BR",), ("ES", "SEA")])
def test_three_different_styles_for_every_kind_and_market(kind: str | None, places: tuple[str, ...]) -> None:
    chosen = choose_styles(kind, places, fits=anything)
    assert len({choice.id for choice in chosen}) == 3
    assert chosen == choose_styles(kind, places, fits=anything)
    assert len({choice.family for choice in chosen}) >= 2


@pytest.mark.parametrize(
    "kind", ["mug", "desk_lamp", "air_fryer", "clock", "charger", "camp_chair", "bottle"]
)
def test_no_two_of_a_family_where_others_suit(kind: str) -> None:
    assert len({choice.family for choice in choose_styles(kind, ["US"], fits=anything)}) == 3


def test_category_decides_the_scenes() -> None:
    assert choose_styles("mug", ["US"], fits=anything)[0].id == "kitchen"
    assert choose_styles("camp_chair", ["US"], fits=anything)[0].id == "camping"
    assert choose_styles("hairdryer", ["US"], fits=anything)[0].id == "bathroom"


def test_unknown_kinds_get_studio_styles() -> None:
    assert all(choice.studio for choice in choose_styles(None, ["US"], count=4, fits=anything))


def test_what_stands_on_the_floor_is_not_put_on_a_table() -> None:
    for kind in ("camp_chair", "vacuum", "telescope"):
        chosen = choose_styles(kind, [], count=4, fits=anything)
        assert all(choice.studio or choice.surface == "ground" for choice in chosen)


def test_markets_bring_what_they_like_and_drop_what_does_not_suit() -> None:
    assert "fast_fashion" in ids(choose_styles("mug", ["ES"], fits=anything))
    assert "promotion" in ids(choose_styles("mug", ["BR"], fits=anything))
    assert "japanese_minimal" not in ids(choose_styles("plant", ["BR"], count=6, fits=anything))
    assert "japanese_minimal" in ids(choose_styles("plant", ["BR", "JP"], count=6, fits=anything))


def ids(chosen: tuple[Style, ...]) -> list[str]:
    return [choice.id for choice in chosen]


def test_fits_is_asked_and_the_wanted_style_comes_first() -> None:
    chosen = choose_styles(
        "mug", ["BR"], wanted="日式极简", fits=lambda candidate: candidate.id in {"pastel", "premium"}
    )
    assert ids(chosen) == ["japanese_minimal", "pastel", "premium"]
    assert ids(choose_styles("mug", [], count=1, wanted="camping", fits=anything)) == ["camping"]


def test_a_room_in_which_the_product_is_small_comes_after_the_other_rooms() -> None:
    plain = choose_styles("flashlight", [], count=4, fits=anything)
    large = choose_styles("flashlight", [], count=4, fits=anything, shows_well=lambda c: c.id != "camping")
    none = choose_styles("flashlight", [], count=4, fits=anything, shows_well=lambda _: False)
    assert ids(plain)[0] == "camping"
    assert ids(large)[0] == "garden"
    assert [choice.studio for choice in large] == [choice.studio for choice in plain]
    assert none == plain


def test_where_nothing_fits_the_studio_is_left() -> None:
    chosen = choose_styles("mug", [], fits=lambda _: False)
    assert len(chosen) == 3
    assert all(choice.studio for choice in chosen)


def test_count_beyond_all_styles() -> None:
    assert len(choose_styles("mug", [], count=99, fits=anything)) == len(all_styles()) == 13
    assert choose_styles("mug", [], count=0, fits=anything) == ()


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(UnknownStyleError, match="fast_fashion"):
        choose_styles("mug", [], wanted="baroque", fits=anything)
    with pytest.raises(UnknownMarketError, match="BR"):
        choose_styles("mug", ["XX"], fits=anything)
    assert find_style("baroque") is None


@pytest.mark.parametrize("name", ["fast_fashion", "Fast Fashion", "快时尚", "colour_blocks", "FAST-FASHION"])
def test_styles_by_any_name(name: str) -> None:
    assert style(name).id == "fast_fashion"


def test_mismatch_is_a_warning_that_names_another_style() -> None:
    finding = market_style_finding(style("japanese_minimal"), "br")
    assert finding is not None
    assert (finding.code, finding.severity) == ("MARKET_STYLE_MISMATCH", Severity.WARNING)
    assert "promotion" in finding.message
    assert "巴西" in finding.message_zh
    assert finding.measured is not None
    assert "-12.3 %" in finding.measured
    assert market_style_finding(style("japanese_minimal"), "JP") is None
    assert market_style_finding(style("winter"), "TH") is not None


def test_every_style_has_its_plates() -> None:
    plates = {Path(scene["file"]).stem.split("_", 1)[1] for scene in json.loads(SCENES.read_text())["scenes"]}
    assert {choice.scene for choice in all_styles()} == plates
    for choice in all_styles():
        assert choice.prompt_en
        assert choice.prompt_zh
        assert choice.name_zh


def test_markets() -> None:
    assert {"EU", "SEA", "NO", "BR"} <= markets().keys()
    for name in ("ES", "es", "Spain", "西班牙", " España "):
        assert market(name).code == "ES"
    assert find_market("UK") is market("GB")
    assert find_market("Atlantis") is None
    assert with_regions("ES") == {"ES", "EU"}
    for place in markets().values():
        text_limits(place.marketplace)


def test_languages() -> None:
    assert languages_for([]) == DEFAULT_LANGUAGES == ("en", "es", "fr", "pt", "ru", "de", "ja")
    assert languages_for(["US", "CA", "BR"]) == ("en", "fr", "pt")
    with pytest.raises(UnknownMarketError):
        languages_for(["XX"])


def test_a_repeated_key_in_packaged_yaml_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\na: 2\n")
    with pytest.raises(PackagedDataError, match="twice"):
        read_yaml(path)
    path.write_text("NO: yes\non: true\n")
    assert read_yaml(path) == {"NO": "yes", "on": True}
