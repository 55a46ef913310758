"""The files that an image must have, and the page of rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from skuflow.listing.brief import MAIN_SIZES_PX, SCENE_SIZES_PX
from skuflow.listing.rules import UnknownMarketplaceError, fits, known_marketplaces
from skuflow.listing.rules.judging import image_uses
from skuflow.listing.rules.table import rule_tables, with_tables
from skuflow.listing.rules.wanted import WantedRendition, most_bytes, wanted_renditions

TODAY = date(2026, 11, 20)
RULES_PAGE = Path(__file__).parents[2] / "docs" / "rules.md"


def sizes(made: tuple[WantedRendition, ...]) -> list[tuple[int, int]]:
    return [rendition.size_px for rendition in made]


def test_todays_main_sizes_open_every_main_place_and_keep_its_advice() -> None:
    made = wanted_renditions(known_marketplaces(), "main", TODAY, first_sizes_px=MAIN_SIZES_PX)
    assert sizes(made) == list(MAIN_SIZES_PX)
    mains = {use.name for use in image_uses(TODAY) if use.name.endswith(".main")}
    assert mains <= set(made[0].advised)
    assert made[0].max_bytes == int(2 * 2**20 * 0.95)


def test_800_square_is_taken_by_aliexpress_against_its_advice() -> None:
    (made,) = wanted_renditions(["aliexpress"], "main", TODAY, first_sizes_px=[(800, 800)], advised=False)
    assert "aliexpress.main" in made.uses
    assert "aliexpress.main" not in made.advised
    more = wanted_renditions(["aliexpress"], "main", TODAY, first_sizes_px=[(800, 800)])
    assert sizes(more) == [(800, 800), (1600, 1600)]
    assert "aliexpress.main" in more[1].advised


def test_nothing_is_added_for_places_that_todays_scenes_open() -> None:
    plain = [name for name in known_marketplaces() if name != "walmart"]
    made = wanted_renditions(plain, "scene", TODAY, first_sizes_px=SCENE_SIZES_PX, advised=False)
    assert sizes(made) == list(SCENE_SIZES_PX)


def test_a_place_of_a_shape_of_its_own_gets_its_size() -> None:
    (made,) = wanted_renditions(["walmart"], "scene", TODAY)
    assert made.size_px == (1200, 675)
    assert made.max_bytes is not None
    assert made.max_bytes < 1_000_000
    apparel = wanted_renditions(["temu"], "main", TODAY, first_sizes_px=MAIN_SIZES_PX, category="apparel")
    assert (1340, 1785) in sizes(apparel)
    assert (1340, 1785) not in sizes(wanted_renditions(["temu"], "main", TODAY, first_sizes_px=MAIN_SIZES_PX))


def test_a_market_s_ceiling_gives_a_smaller_picture() -> None:
    made = wanted_renditions(["tiktok_shop"], "main", TODAY, first_sizes_px=[(1600, 1600)], market="ID")
    assert sizes(made) == [(1600, 1600), (1200, 1200)]
    assert (made[0].uses, made[0].max_bytes) == ((), None)


def test_what_no_size_can_open_asks_for_no_file() -> None:
    assert wanted_renditions(["temu"], "scene", TODAY) == ()
    assert wanted_renditions(["ebay"], "comparison", TODAY) == ()


def test_the_most_bytes_of_a_file_are_those_of_its_strictest_place() -> None:
    two, five, one = (int(mib * 2**20 * 0.95) for mib in (2, 5, 1))
    assert most_bytes("main", (1600, 1600), TODAY) == two
    assert most_bytes("main", (1600, 1600), TODAY, marketplaces=["aliexpress"]) == five
    assert most_bytes("scene", (1200, 675), TODAY) == one
    assert most_bytes("scene", (100, 900), TODAY) is None


def test_the_day_counts() -> None:
    small = [(400, 400)]
    before = wanted_renditions(
        ["google_merchant"], "main", date(2027, 1, 30), first_sizes_px=small, advised=False
    )
    after = wanted_renditions(
        ["google_merchant"], "main", date(2027, 1, 31), first_sizes_px=small, advised=False
    )
    assert sizes(before) == small
    assert len(sizes(after)) == 2


@pytest.mark.parametrize("role", ["main", "scene", "detail", "comparison", "usage", "banner"])
@pytest.mark.parametrize("category", [None, "apparel"])
def test_what_is_wanted_fits_and_every_possible_place_is_opened(role: str, category: str | None) -> None:
    made = wanted_renditions(known_marketplaces(), role, TODAY, category=category)
    opened: set[str] = set()
    for rendition in made:
        found = fits(
            width=rendition.width,
            height=rendition.height,
            size_bytes=rendition.max_bytes or 1,
            format=rendition.format,
            role=role,
            product_share_ratio=0.86,
            white_background=True,
            category=category,
            on=TODAY,
        )
        assert set(rendition.uses) <= set(found)
        opened |= set(found)
    shut = {use.name for use in image_uses(TODAY, None, category) if role in use.roles} - opened
    forbidden = {"comparison": ("ebay.", "google_", "aliexpress.sec", "temu."), "main": ()}.get(
        role, ("temu.",)
    )
    assert all(name.startswith(forbidden) for name in shut), shut


def test_unknown_marketplaces_are_refused() -> None:
    with pytest.raises(UnknownMarketplaceError, match="amazon"):
        wanted_renditions(["etsy"], "main")


def test_the_page_of_rules_is_that_of_the_data() -> None:
    page = RULES_PAGE.read_text(encoding="utf-8")
    assert with_tables(page) == page, "write it again: python -m skuflow.listing.rules.table docs/rules.md"
    assert "| main | width_min_px | 500 | hard | V | from 2027-01-31 | image" in page


def test_every_source_and_marketplace_stands_in_the_tables() -> None:
    tables = rule_tables()
    for heading in (
        "### AliExpress",
        "### TikTok Shop and TikTok ads",
        "### Independent site",
        "### Walmart",
    ):
        assert heading in tables


@pytest.mark.parametrize("page", ["", "<!-- rules -->\n", "<!-- end of rules -->\n"])
def test_a_page_without_a_place_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="place"):
        with_tables(page)
