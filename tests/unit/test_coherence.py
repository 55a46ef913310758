"""One story: colours, kind, keywords, scene and languages of a kit."""

from __future__ import annotations

import numpy as np
import pytest

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.copywriting import ListingCopy
from skuflow.quality.coherence import ColourShare, ImageFacts, coherence, product_colours, shows

CHAIR = Product(
    sku="C-1",
    titles={"en": "Folding Camping Chair"},
    kind="camp_chair",
    source=ProductSource(catalog="test"),
)
RED, BLUE, BLACK = (45.0, 60.0, 38.0), (38.0, 5.0, -40.0), (18.0, 0.0, 0.0)


def copy(title: str, language: str = "en", keywords: tuple[str, ...] = ("camping chair",)) -> ListingCopy:
    return ListingCopy(
        language=language,
        marketplace="ebay",
        title=title,
        bullets=("A camping chair that folds.",),
        description="",
        keywords=keywords,
        facts_ratio=1,
        origin="model",
    )


def codes(
    *copies: ListingCopy, images: tuple[ImageFacts, ...] = (), lab: tuple[float, float, float] = RED
) -> list[str]:
    colours = (ColourShare(lab, 0.8), ColourShare(BLACK, 0.1))
    return [finding.code for finding in coherence(CHAIR, copies, images, colours).findings]


def test_a_kit_that_tells_one_story_is_coherent() -> None:
    scene = ImageFacts("image:scene:1", "scene", "camping")
    result = coherence(CHAIR, [copy("Red Camping Chair")], [scene], [ColourShare(RED, 0.9)])
    assert (result.ratio, result.findings) == (1.0, ())
    assert result.parts == {"colour": 1.0, "kind": 1.0, "keywords": 1.0, "scene": 1.0}


@pytest.mark.parametrize(
    "title, language",
    [("Blue Camping Chair", "en"), ("Blauer Campingstuhl", "de"), ("蓝色露营椅", "zh"), ("Chaise bleue", "fr"),
     ("Синее кресло", "ru"), ("Silla de camping azul", "es"), ("Cadeira azul", "pt"), ("ブルーのチェア", "ja")],
)  # fmt: skip
def test_a_colour_that_the_photo_does_not_show_is_named_in_every_language(title: str, language: str) -> None:
    assert codes(copy(title, language, ())) == ["COHERENCE_COLOUR"]
    assert codes(copy(title, language, ()), lab=BLUE) == []


def test_one_of_several_colours_is_enough_for_no_finding_and_counts_half() -> None:
    colours = [ColourShare(RED, 0.9)]
    result = coherence(CHAIR, [copy("Red and blue camping chair")], [], colours)
    assert (result.parts["colour"], result.findings) == (0.5, ())
    assert "colour" not in coherence(CHAIR, [copy("Multicolored camping chair")], [], colours).parts
    assert "colour" not in coherence(CHAIR, [copy("Blue camping chair")], []).parts


def test_a_title_must_name_what_the_product_is() -> None:
    assert codes(copy("Comfort 3000")) == ["COHERENCE_KIND"]
    assert codes(copy("Faltbarer Campingsessel", "de", ())) == []
    unknown = CHAIR.model_copy(update={"kind": None})
    assert coherence(unknown, [copy("Comfort 3000")], []).parts == {"keywords": 1.0}


def test_keywords_of_another_kind_or_about_nothing_are_named() -> None:
    assert codes(copy("Camping Chair", keywords=("desk lamp", "reading lamp"))) == ["COHERENCE_KEYWORDS"]
    assert codes(copy("Camping Chair", keywords=("abc", "xyz"))) == ["COHERENCE_KEYWORDS"]


def test_an_outdoor_product_in_a_bathroom_is_out_of_place() -> None:
    def scene(style: str | None) -> ImageFacts:
        return ImageFacts("image:scene:1", "scene", style)

    assert codes(copy("Camping Chair"), images=(scene("bathroom"),)) == ["COHERENCE_SCENE"]
    assert codes(copy("Camping Chair"), images=(scene("camping"),)) == []
    assert codes(copy("Camping Chair"), images=(scene(None), scene("no such style"))) == []


def test_contradictions_between_languages_count() -> None:
    result = coherence(CHAIR, [copy("Chair, set of 2 pieces"), copy("Chaise, lot de 3 pièces", "fr", ())], [])
    assert result.parts["languages"] == 0.0
    assert {finding.code for finding in result.findings} == {"COPY_LANGUAGES_DISAGREE"}


def test_nothing_to_judge_is_coherent() -> None:
    assert coherence(CHAIR, [], []) == coherence(CHAIR, [], [ImageFacts("image:main", "main")])
    assert coherence(CHAIR, [], []).ratio == 1.0


def test_colours_of_a_cutout_are_those_inside_it_largest_first() -> None:
    rgba = np.zeros((40, 50, 4), np.uint8)
    rgba[:, :30] = (200, 30, 30, 255)
    rgba[:, 30:40] = (20, 20, 20, 255)
    rgba[:, 40:] = (0, 0, 255, 0)
    rgba[0, 0] = (0, 255, 0, 255)
    found = product_colours(rgba)
    assert [colour.share_ratio for colour in found] == [pytest.approx(0.75, abs=0.01), 0.25]
    assert shows("red", found[0].lab)
    assert shows("black", found[1].lab)
    assert not any(shows("blue", colour.lab) or shows("green", colour.lab) for colour in found)
    assert product_colours(np.zeros((4, 4, 4), np.uint8)) == ()
    assert product_colours(rgba) == found


@pytest.mark.parametrize(
    "rgb, called, not_called",
    [
        ((0, 105, 110), {"green", "blue"}, {"red", "orange", "yellow", "purple"}),
        ((250, 250, 245), {"white"}, {"black", "red", "green", "brown"}),
        ((120, 70, 40), {"brown"}, {"blue", "green", "white", "black"}),
        ((30, 35, 70), {"blue"}, {"green", "red", "yellow"}),
        ((215, 195, 160), {"beige", "gold"}, {"blue", "black", "red"}),
        ((240, 150, 175), {"pink"}, {"green", "blue", "black"}),
        ((128, 128, 128), {"grey", "silver"}, {"red", "blue", "green", "white"}),
    ],
)
def test_families_hold_the_colours_that_shoppers_call_so(
    rgb: tuple[int, int, int], called: set[str], not_called: set[str]
) -> None:
    rgba = np.full((8, 8, 4), (*rgb, 255), np.uint8)
    (colour,) = product_colours(rgba)
    assert all(shows(family, colour.lab) for family in called)
    assert not any(shows(family, colour.lab) for family in not_called)
