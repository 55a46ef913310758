"""From a product and a brief to parts: what is planned, and what makes a plan another plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import Slot
from skuflow.listing.brief import Brief, Stage
from skuflow.listing.planning import KitPlan, copy_request, plan_kit, scene_request, storyboard_for
from skuflow.listing.styles import UnknownStyleError
from skuflow.storage.objects import StoredObject

MUG = Product(
    sku="mug-1",
    titles={"zh": "陶瓷马克杯"},
    kind="mug",
    attributes={"尺寸": "高 9.5 cm"},
    target_markets=("ES", "US"),
    source=ProductSource(catalog="c.csv", row=1),
)
PHOTO = StoredObject("p", "1" * 64, 1, "image/jpeg")


def parts(plan: KitPlan) -> list[str]:
    return [slot.part for slot in plan.wanted_slots]


def test_a_full_kit_has_copy_main_scenes_and_video() -> None:
    plan = plan_kit(MUG, Brief())
    assert parts(plan) == [
        *(f"copy:{language}" for language in ("en", "es", "fr", "pt", "ru", "de", "ja")),
        "image:main:1",
        "image:scene:1",
        "image:scene:2",
        "image:scene:3",
        "video:1",
    ]
    assert len({style.scene for _, style in plan.scenes}) == 3
    assert plan.height_cm == 9.5


def test_stages_choose_among_the_same_parts() -> None:
    full, images = plan_kit(MUG, Brief()), plan_kit(MUG, Brief(stages=(Stage.IMAGES,)))
    assert parts(images) == ["image:main:1", "image:scene:1", "image:scene:2", "image:scene:3"]
    assert images.slots == full.slots
    assert images.made_for("x") == full.made_for("x")


def test_a_second_marketplace_has_parts_of_its_own() -> None:
    plan = plan_kit(
        MUG, Brief(languages=("en",), marketplaces=("aliexpress", "amazon"), stages=(Stage.COPY,))
    )
    assert parts(plan) == ["copy:en", "copy:en:amazon"]


def test_a_wanted_style_comes_first() -> None:
    assert plan_kit(MUG, Brief(style="fast_fashion")).scenes[0][1].id == "fast_fashion"
    assert plan_kit(MUG.model_copy(update={"style": "premium"}), Brief()).scenes[0][1].id == "premium"
    with pytest.raises(UnknownStyleError):
        plan_kit(MUG, Brief(style="baroque"))


def test_a_large_product_gets_no_tabletop() -> None:
    chair = MUG.model_copy(update={"kind": "camp_chair", "attributes": {"展开尺寸": "52 × 52 × 91 cm"}})
    scenes = {style.scene for _, style in plan_kit(chair, Brief()).scenes}
    assert not scenes & {"kitchen_counter", "office_desk", "bedroom_nightstand", "bathroom_shelf"}


def test_a_small_product_stands_where_it_is_seen() -> None:
    torch = MUG.model_copy(update={"kind": "flashlight", "attributes": {"尺寸": "4.5 × 4.5 × 14 cm"}})
    long_torch = torch.model_copy(update={"attributes": {"尺寸": "6 × 6 × 35 cm"}})
    assert plan_kit(torch, Brief()).scenes[0][1].id == "garden"
    assert plan_kit(long_torch, Brief()).scenes[0][1].id == "camping"


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"attributes": {"尺寸": "高 9.6 cm"}}, {"product", "copy", "images", "video"}),
        ({"titles": {"zh": "玻璃杯"}}, {"product", "copy"}),
        ({"style": "premium"}, {"images", "video"}),
        ({"price": 3}, {"product"}),
    ],
)
def test_a_changed_product_changes_what_its_stages_answer(
    change: dict[str, object], stages: set[str]
) -> None:
    before = plan_kit(MUG, Brief()).made_for("x")
    after = plan_kit(MUG.model_copy(update=change), Brief()).made_for("x")
    assert {name for name in before if before[name] != after[name]} == stages


def test_a_changed_photo_changes_the_pictures_and_a_moved_file_nothing() -> None:
    before, other = plan_kit(MUG, Brief()).made_for("x"), plan_kit(MUG, Brief()).made_for("y")
    assert {name for name in before if before[name] != other[name]} == {"images", "video"}
    moved = MUG.model_copy(
        update={"source": ProductSource(catalog="elsewhere.csv", row=7), "images": ("/new/a.jpg",)}
    )
    assert plan_kit(moved, Brief()).made_for("x") == before


@pytest.mark.parametrize(
    ("extras", "digest"),
    [
        (ExtraWishes(), "e728ad69be198c077800b42a957c3b6d80860d1d6b3bd4fddc5d7b1908e76f04"),
        (
            ExtraWishes(model="a woman", extend="3:4"),
            "e08cc881c59ec3bf38abc1b8394f25465956a0831251eff2a8ddd6986c902f99",
        ),
    ],
    ids=["none", "words"],
)
def test_kits_without_files_of_extra_wishes_answer_what_they_answered_in_earlier_versions(
    extras: ExtraWishes, digest: str
) -> None:
    product = MUG.model_copy(update={"kind": None, "attributes": {}, "target_markets": ()})
    plan = KitPlan(product, Brief(), (), None, (), (), None, None, extras=extras)
    assert plan.made_for("x")["video"] == digest


def test_where_the_files_of_extra_wishes_stand_is_no_part_of_what_was_asked_for() -> None:
    def answers(extras: ExtraWishes) -> dict[str, str]:
        return plan_kit(MUG, Brief(extras=extras)).made_for("x")

    line_art = answers(ExtraWishes(line_art="/batch-files/one-0001-1/a.png"))
    assert answers(ExtraWishes(line_art="/batch-files/two-0001-3/a.png")) == line_art
    others = [answers(ExtraWishes()), answers(ExtraWishes(model_photo="/batch-files/one-0001-1/a.png"))]
    assert all(other["images"] != line_art["images"] for other in others)
    assert all(other["video"] != line_art["video"] for other in others)


def test_a_picture_does_not_change_with_a_word_of_the_text() -> None:
    reworded = MUG.model_copy(update={"titles": {"zh": "好看的陶瓷马克杯"}})
    before, after = plan_kit(MUG, Brief()), plan_kit(reworded, Brief())
    slot, style = before.scenes[0]
    first = scene_request(before, slot, style, PHOTO, PHOTO)
    assert first.fingerprint() == scene_request(after, slot, style, PHOTO, PHOTO).fingerprint()
    assert (
        copy_request(before, before.copy_slots[0]).fingerprint()
        != copy_request(after, after.copy_slots[0]).fingerprint()
    )


def test_a_fingerprint_knows_contents_not_addresses() -> None:
    plan = plan_kit(MUG, Brief())
    slot, style = plan.scenes[0]
    request = scene_request(plan, slot, style, PHOTO, PHOTO)
    moved = replace(request, photo=replace(PHOTO, key="elsewhere"), prompt="another wording")
    other = replace(request, photo=replace(PHOTO, sha256="2" * 64))
    assert moved.fingerprint() == request.fingerprint()
    assert other.fingerprint() != request.fingerprint()


@pytest.mark.parametrize(("language", "market"), [("es", "ES"), ("en", "US"), ("ja", None)])
def test_copy_is_for_a_market_that_speaks_it(language: str, market: str | None) -> None:
    plan = plan_kit(MUG, Brief())
    assert copy_request(plan, Slot("mug-1", "copy", language=language)).market == market


def test_the_storyboard_films_every_scene() -> None:
    plan = plan_kit(MUG, Brief())
    styles = [style.id for _, style in plan.scenes]
    storyboard = storyboard_for(plan, styles, {})
    assert [shot.style for shot in storyboard.shots] == styles
    assert storyboard.duration_s == 5.0
