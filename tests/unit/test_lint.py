"""Kits against the rules of a day, one by one and as a library."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.fitting import OUT_OF_REACH, out_of_reach, product_group
from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.lint import (
    Kind,
    LintBreach,
    Scope,
    category_of,
    lint_kit,
    marketplaces_of_market,
    meant_for,
)
from skuflow.review.lint_fixes import FIX_WORDS, Fix, mending
from skuflow.review.lint_report import LintReport, lint_library, rule_changes
from skuflow.review.lint_wording import sentence
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import asset_key, cutout_key
from tests.unit.library import image, kit, rendition, store_of, text, video

TODAY = date(2026, 11, 20)
GOOGLE_DAY = date(2027, 1, 31)
NOW = Scope(TODAY, TODAY)
HEAVY = rendition((900, 900), bytes=9_000_000)
WEBP = rendition((900, 900), format="webp")


def on(*marketplaces: str, day: date = TODAY, market: str | None = None) -> Scope:
    return Scope(day, TODAY, marketplaces, market)


def told(of: Kit, scope: Scope = NOW) -> set[tuple[str, str, str]]:
    """(kind, part, rule) of everything that is found, gaps left out."""
    found = lint_kit(of, scope)
    return {(each.kind.value, each.part, each.rule) for each in found if each.kind is not Kind.GAP}


def gaps(of: Kit, scope: Scope = NOW) -> set[str]:
    return {each.rule for each in lint_kit(of, scope) if each.kind is Kind.GAP}


def test_a_kit_that_its_marketplace_takes_gives_nothing_to_say() -> None:
    assert lint_kit(kit(), NOW) == ()


def test_an_image_passes_where_one_of_its_files_does() -> None:
    small = image("main", sizes=((799, 799), (1600, 1600)))
    assert told(kit(images=(small, image("scene")))) == set()
    small = image("main", sizes=((799, 799), (400, 400)))
    found = lint_kit(kit(images=(small, image("scene"), image("scene", 2))), NOW)
    assert {(each.kind, each.rule, each.file, each.breach.measured) for each in found} == {
        (Kind.REFUSED, "aliexpress.main.width_min_px", "799x799.jpg", 799),
        (Kind.REFUSED, "aliexpress.main.height_min_px", "799x799.jpg", 799),
    }
    assert all(each.hard for each in found)


@pytest.mark.parametrize(
    ("side", "kinds"),
    [(799, {Kind.REFUSED}), (800, {Kind.ADVICE}), (801, set())],
)
def test_the_edge_of_aliexpress(side: int, kinds: set[Kind]) -> None:
    found = lint_kit(kit(images=(image("main", sizes=((side, side),)), image("scene"))), NOW)
    assert {each.kind for each in found} == kinds
    assert not [each for each in found if each.kind is Kind.ADVICE and each.hard]


@pytest.mark.parametrize(
    ("scores", "rule"),
    [
        ({"product_share_ratio": 0.5, "white_border_ratio": 1.0}, "product_share_min_ratio"),
        ({"product_share_ratio": 0.86, "white_border_ratio": 0.99}, "white_background"),
        ({"product_share_ratio": 0.86}, "white_background"),
    ],
)
def test_a_main_image_is_judged_by_its_measures(scores: dict[str, float], rule: str) -> None:
    pictures = (image("main", scores=scores), image("scene"))
    assert told(kit(images=pictures)) == {("refused", "image:main:1", f"aliexpress.main.{rule}")}


def test_a_heavy_file_and_a_foreign_format() -> None:
    heavy = image("main", renditions=(rendition((1600, 1600), bytes=5 * 2**20 + 1),))
    webp = image("main", renditions=(rendition((1600, 1600), format="webp"),))
    pair = image("scene")
    assert told(kit(images=(heavy, pair))) == {("refused", "image:main:1", "aliexpress.main.bytes_max")}
    assert told(kit(images=(webp, pair))) == {("refused", "image:main:1", "aliexpress.main.formats")}


def test_temu_refuses_scenes_and_takes_the_main_image() -> None:
    found = {entry for entry in told(kit(), on("temu")) if entry[0] == "refused"}
    assert found == {("refused", f"image:scene:{n}", "temu.secondary.composite_allowed") for n in (1, 2, 3)}


def test_a_place_beside_the_listing_that_no_image_fits_is_a_gap() -> None:
    shirt = kit().product.model_copy(update={"kind": "t_shirt"})
    assert category_of(kit(product=shirt)) == "apparel"
    found = [each for each in lint_kit(kit(product=shirt), on("temu")) if each.kind is Kind.GAP and each.file]
    assert {(each.part, each.rule) for each in found} == {
        ("image:main:1", "temu.apparel.height_min_px"),
        ("image:main:1", "temu.apparel.ratio_max"),
    }
    upright = image("main", sizes=((1600, 1600), (1340, 1785)))
    assert not [each for each in lint_kit(kit(product=shirt, images=(upright,)), on("temu")) if each.file]
    squares = kit(images=(image("main"), image("scene", sizes=((800, 800),))))
    assert {rule for rule in gaps(squares) if "banner" in rule} == {
        "aliexpress.banner.width_min_px",
        "aliexpress.banner.ratio_min",
    }


def test_a_concept_is_no_picture_of_the_product() -> None:
    concept = image("scene", 4, content_type="concept")
    assert told(kit(images=(*kit().images, concept)), on("temu")) == told(kit(), on("temu"))


def test_too_many_and_too_few_images() -> None:
    scenes = tuple(image("scene", number) for number in range(1, 9))
    assert told(kit(images=(image("main"), *scenes[:5]))) == set()
    many = kit(images=(image("main"), *scenes))
    assert told(many) == {("refused", "", "aliexpress.listing.images_max")}
    assert ("advice", "", "amazon.listing.images_max_with_video") in told(many, on("amazon"))
    assert ("advice", "", "amazon.listing.images_max_with_video") not in told(
        many.model_copy(update={"videos": ()}), on("amazon")
    )
    assert ("advice", "", "tiktok_shop.listing.images_advised") in told(kit(), on("tiktok_shop"))
    assert ("advice", "", "tiktok_shop.listing.images_advised") not in told(
        kit(images=(image("main"), *scenes[:4])), on("tiktok_shop")
    )


def test_a_kit_without_a_main_image() -> None:
    assert ("refused", "", "aliexpress.listing.main_image_required") in told(
        kit(images=(image("scene"), image("scene", 2)))
    )


def test_the_5_s_video_leaves_tiktok_shop_s_place_empty() -> None:
    found = [each for each in lint_kit(kit(), on("tiktok_shop")) if each.part == "video:1"]
    gap = next(each for each in found if each.kind is Kind.GAP)
    assert gap.rule == "tiktok_shop.video.duration_min_s"
    assert not gap.hard
    assert "it lasts 5 s, at least 9 s" in sentence(gap).en
    assert mending(kit(), gap, FolderStore("nowhere")).fix is Fix.LENGTHEN
    assert gaps(kit(videos=(video(9.0),)), on("tiktok_shop")) == {"tiktok_shop.text"}


@pytest.mark.parametrize(("duration_s", "kind"), [(4.97, Kind.REFUSED), (5.0, Kind.GAP)])
def test_a_video_that_no_place_takes_is_refused(duration_s: float, kind: Kind) -> None:
    found = lint_kit(kit(videos=(video(duration_s),)), on("tiktok_shop"))
    assert {each.kind for each in found if each.breach.field == "duration_min_s" and each.breach.hard} == {
        kind
    }


def test_a_video_made_for_one_marketplace_is_a_gap_of_the_other() -> None:
    """Upright 5 s are good for AliExpress; Amazon's ads want 16:9 and 6 s."""
    both = kit(copy=(text(), text("es", "amazon")))
    found = [each for each in lint_kit(both, NOW) if each.part == "video:1"]
    assert {each.kind for each in found} == {Kind.GAP}
    assert {each.rule for each in found} >= {
        "amazon.sponsored_brands_video.shapes",
        "amazon.sponsored_brands_video.duration_min_s",
    }
    alone = [each for each in lint_kit(both, on("amazon")) if each.part == "video:1"]
    assert {each.kind for each in alone} == {Kind.REFUSED}


def test_a_kit_without_video_and_copy_has_gaps() -> None:
    bare = kit(videos=(), copy=(text(),))
    assert gaps(bare) == {"aliexpress.video", "alibaba.video"}
    assert {"amazon.text", "amazon.dsp_video"} <= gaps(bare, on("amazon"))
    missing = [each for each in lint_kit(bare, on("amazon")) if each.absent]
    assert {sentence(each).en for each in missing} >= {
        "amazon.text: the kit has no copy for it",
        "amazon.dsp_video: the kit has no video for it",
    }


def test_copy_is_held_against_the_marketplace_that_it_was_written_for() -> None:
    long = text(title="m" * 129)
    assert told(kit(copy=(long,))) == {("refused", "copy:en", "aliexpress.text.title_max_chars")}
    ebay = text(marketplace="ebay", part="copy:en:ebay", title="m" * 81)
    assert ("refused", "copy:en:ebay", "ebay.text.title_max_chars") in told(kit(copy=(text(), ebay)))


def test_what_a_kit_is_meant_for() -> None:
    assert meant_for(kit(copy=(text(), text("es", "amazon"), text("fr", "amazon")))) == (
        "aliexpress",
        "amazon",
    )
    product = Product(
        sku="A",
        titles={"en": "x"},
        target_markets=("ID", "US", "??"),
        source=ProductSource(catalog="test"),
    )
    assert meant_for(kit(copy=(), product=product)) == ("shopee", "amazon")
    assert meant_for(kit(copy=())) == ("aliexpress",)
    assert meant_for(kit(copy=(text(marketplace="gone"),))) == ()


def test_a_market_names_its_marketplaces_and_brings_its_limits() -> None:
    assert marketplaces_of_market("ID") == ("shopee", "tiktok_shop")
    assert marketplaces_of_market("US") == ("amazon",)
    assert "shopee" in marketplaces_of_market("BR")
    large = kit(images=(image("main", sizes=((1600, 1600),)), image("scene")))
    assert ("refused", "image:main:1", "tiktok_shop.main.longest_max_px") in told(
        large, on("tiktok_shop", market="ID")
    )
    assert told(large, on("tiktok_shop", market="US")) == told(large, on("tiktok_shop"))


def small_main(fits: tuple[str, ...] = ()) -> Kit:
    """A main image of 400 px, which AliExpress refuses anyway and Google takes until 2027-01-30."""
    return kit(images=(image("main", renditions=(rendition((400, 400), fits=fits),)), image("scene")))


def test_a_place_of_another_marketplace_is_told_only_where_it_is_lost() -> None:
    assert not [each for each in lint_kit(small_main(), NOW) if each.kind is Kind.LOST]
    lost = [
        each
        for each in lint_kit(small_main(), Scope(GOOGLE_DAY, TODAY))
        if each.kind is Kind.LOST and each.breach.use == "google_merchant.main"
    ]
    assert {(each.rule, each.breach.limit.effective_from) for each in lost} == {
        ("google_merchant.main.width_min_px", GOOGLE_DAY),
        ("google_merchant.main.height_min_px", GOOGLE_DAY),
    }
    assert all(each.hard for each in lost)
    day_before = Scope(date(2027, 1, 30), TODAY)
    assert not [each for each in lint_kit(small_main(), day_before) if each.kind is Kind.LOST]


def test_a_place_that_a_file_fitted_when_it_was_made_counts_as_lost_today() -> None:
    recorded = small_main(fits=("ebay.main", "google_merchant.main"))
    lost = {each.rule for each in lint_kit(recorded, NOW) if each.kind is Kind.LOST}
    assert lost == {"ebay.main.longest_min_px"}
    clip = kit(videos=(video(5.0, fits=("tiktok_shop.video", "tiktok_ads")),))
    assert {each.rule for each in lint_kit(clip, NOW)} == {"tiktok_shop.video.duration_min_s"}


# What mends it


def broken(of: Kit, rule: str, scope: Scope = NOW) -> LintBreach:
    return next(each for each in lint_kit(of, scope) if each.rule.endswith(rule))


def put_picture(store: FolderStore, key: str, size: tuple[int, int]) -> None:
    out = io.BytesIO()
    Image.new("L", size).save(out, "PNG")
    store.put(key, out.getvalue(), "image/png")


@pytest.mark.parametrize(
    ("product_px", "fix"),
    # 801 px of which the product takes 86 %, enlarged at most 1.25 times: 552 px of product are needed.
    [(551, Fix.PHOTO), (552, Fix.RENDER), (2000, Fix.RENDER), (None, Fix.PHOTO)],
)
def test_a_larger_main_image_is_free_where_the_cut_out_has_the_pixels(
    tmp_path: Path, product_px: int | None, fix: Fix
) -> None:
    of = kit(images=(image("main", sizes=((800, 800),)), image("scene")))
    store = FolderStore(tmp_path)
    if product_px is not None:
        put_picture(store, cutout_key(of.sku, "a" * 64, 3), (product_px, 90))
    assert mending(of, broken(of, "width_min_px"), store).fix is fix


@pytest.mark.parametrize(("vendor_px", "fix"), [(799, Fix.GENERATE), (800, Fix.RENDER), (None, Fix.GENERATE)])
def test_a_larger_scene_is_bought_unless_the_vendor_s_picture_is_large_enough(
    tmp_path: Path, vendor_px: int | None, fix: Fix
) -> None:
    tiny = image("scene", sizes=((640, 640),), provider="wanx")
    of = kit(images=(image("main"), tiny))
    store = FolderStore(tmp_path)
    if vendor_px is not None:
        put_picture(store, asset_key(of.sku, tiny.id, "original", "ab" * 32, "png"), (vendor_px, 90))
    assert mending(of, broken(of, "width_min_px"), store).fix is fix


@pytest.mark.parametrize(
    ("of", "scope", "rule", "fix"),
    [
        (kit(images=(image("main", renditions=(HEAVY,)),)), NOW, "bytes_max", Fix.ENCODE),
        (kit(images=(image("main", renditions=(WEBP,)),)), NOW, "formats", Fix.HAND),
        (kit(images=(image("main", sizes=((1200, 800),)),)), NOW, "ratio_max", Fix.RENDER),
        (kit(), on("temu"), "composite_allowed", Fix.PHOTO),
        (kit(copy=(text(title="m" * 129),)), NOW, "title_max_chars", Fix.REWRITE),
        (kit(), on("tiktok_shop"), "images_advised", Fix.ADD),
        (kit(), on("ebay"), "ebay.text", Fix.ADD),
        (kit(images=tuple(image("main", n) for n in range(8))), NOW, "images_max", Fix.CHOOSE),
        (kit(videos=(video(size=(1080, 1300)),)), NOW, "shapes", Fix.RESHAPE),
        (kit(videos=(video(10, (1920, 1080)),)), on("amazon"), "dsp_video.audio_bitrate_min_bps", Fix.HAND),
    ],
)  # fmt: skip
def test_what_mends_what(tmp_path: Path, of: Kit, scope: Scope, rule: str, fix: Fix) -> None:
    assert mending(of, broken(of, rule, scope), FolderStore(tmp_path)).fix is fix


def test_bytes_that_a_run_could_not_bring_down_are_no_work_of_the_studio(tmp_path: Path) -> None:
    of = kit(images=(image("main", renditions=(HEAVY,)),))
    missed = out_of_reach(of.images, product_group(of.product))
    assert missed is not None
    tried = of.model_copy(update={"made_for": {OUT_OF_REACH: missed}})
    assert mending(tried, broken(tried, "bytes_max"), FolderStore(tmp_path)).fix is Fix.HAND
    since = tried.model_copy(update={"made_for": {OUT_OF_REACH: "other limits"}})
    assert mending(since, broken(since, "bytes_max"), FolderStore(tmp_path)).fix is Fix.ENCODE


def test_every_fix_has_words() -> None:
    assert set(FIX_WORDS) == set(Fix)
    assert all(words.en and words.zh for words in FIX_WORDS.values())


# The library


def looked_at(folder: Path, *kits: Kit, scope: Scope = NOW, **damaged: bytes) -> LintReport:
    store = store_of(folder, *kits)
    for name, data in damaged.items():
        (folder / "kits" / name).mkdir(parents=True)
        (folder / "kits" / name / "kit.json").write_bytes(data)
    return lint_library(store, scope)


def test_a_library_is_summed_up(tmp_path: Path) -> None:
    report = looked_at(
        tmp_path,
        kit("A"),
        kit("B", copy=(text(title="m" * 129), text("es", title="m" * 130))),
        kit("C", copy=(text(title="m" * 129),)),
        kit("D", status=KitStatus.BLOCKED, images=()),
        kit("E", status=KitStatus.REJECTED, copy=(text(title="m" * 129),)),
    )
    assert (report.kits, dict(report.passed_over)) == (3, {"blocked": 1, "rejected": 1})
    assert report.fails
    ((key, total),) = report.by_rule().items()
    assert (key.code, key.rule, key.limit_text) == ("RULE_REFUSED", "aliexpress.text.title_max_chars", "128")
    assert (total.parts, total.skus, total.new) == (3, {"B", "C"}, 0)
    assert report.by_marketplace()["aliexpress"].parts == 3


def test_a_library_without_fault_passes(tmp_path: Path) -> None:
    report = looked_at(tmp_path, kit("A"), kit("B"))
    assert not report.fails
    assert report.findings == []


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"schema": "skuflow.kit/9"}', b'{"sku": "A"}', b"null", b"1e999"],
)
def test_a_damaged_kit_is_named_and_the_rest_is_looked_at(tmp_path: Path, data: bytes) -> None:
    report = looked_at(tmp_path, kit("A"), BAD=data)
    assert report.kits == 1
    (reason,) = report.unreadable.values()
    assert list(report.unreadable) == ["kits/BAD/kit.json"]
    assert reason
    assert "\n" not in reason
    assert report.fails


def test_other_files_in_storage_are_passed_over(tmp_path: Path) -> None:
    store = store_of(tmp_path, kit("A"))
    store.put("kits/A/kit.json.bak", b"{", "text/plain")
    store.put("kits/A/old/kit.json", b"{", "text/plain")
    store.put("kits/notes.txt", b"{", "text/plain")
    assert lint_library(store, NOW).unreadable == {}


def test_an_empty_storage_has_nothing_to_say(tmp_path: Path) -> None:
    report = lint_library(FolderStore(tmp_path / "none"), NOW)
    assert (report.kits, report.fails) == (0, False)


def test_what_a_day_changes_is_told_apart(tmp_path: Path) -> None:
    scope = Scope(GOOGLE_DAY, TODAY, ("google_merchant",))
    report = looked_at(
        tmp_path, small_main(), kit("B", copy=(text(marketplace="google_merchant"),)), scope=scope
    )
    new = {(each.sku, each.found.rule) for each in report.findings if each.new}
    assert new == {
        ("MUG-1", "google_merchant.main.width_min_px"),
        ("MUG-1", "google_merchant.main.height_min_px"),
    }
    assert report.by_marketplace()["google_merchant"].new == 1
    changes = {(change.on, change.begins, change.limit.value) for change in rule_changes(scope)}
    assert changes == {(GOOGLE_DAY, False, 100), (GOOGLE_DAY, False, 250), (GOOGLE_DAY, True, 500)}
    assert rule_changes(Scope(TODAY, TODAY)) == ()
    # Until then 400 px were against advice only.
    assert report.ended == {
        "google_merchant.main.width_min_px": 1,
        "google_merchant.main.height_min_px": 1,
    }


def test_a_day_in_the_past_drops_what_has_come_since(tmp_path: Path) -> None:
    thrice = kit(copy=(text(marketplace="amazon", title="Mug, large mug, blue mug"),))
    scope = Scope(date(2025, 1, 20), TODAY)
    report = looked_at(tmp_path, thrice, scope=scope)
    rule = "amazon.text.word_repeat_max"
    assert rule not in {each.found.rule for each in report.findings}
    assert report.ended[rule] == 1
    assert rule in {each.found.rule for each in lint_library(store_of(tmp_path), NOW).findings}


def test_a_finding_says_everything_there_is_to_know(tmp_path: Path) -> None:
    report = looked_at(tmp_path, small_main(), scope=Scope(GOOGLE_DAY, TODAY, ("google_merchant",)))
    facts: dict[str, Any] = next(
        each.as_json() for each in report.findings if each.found.breach.field == "width_min_px"
    )
    assert facts == {
        "code": "RULE_REFUSED",
        "severity": "error",
        "sku": "MUG-1",
        "part": "image:main:1",
        "file": "400x400.jpg",
        "marketplace": "google_merchant",
        "rule": "google_merchant.main.width_min_px",
        "measured": "400",
        "limit": "500",
        "level": "hard",
        "mark": "V",
        "source": "Merchant Center help 6324350, image link",
        "source_address": "https://support.google.com/merchants/answer/6324350",
        "read_on": "2026-11-20",
        "since": "2027-01-31",
        "until": None,
        "new": True,
        "message": "google_merchant.main: 400 px wide, at least 500 px",
        "message_zh": "google_merchant.main：宽 400 像素，至少需 500 像素",
        "fix": "photo",
        "remedy": FIX_WORDS[Fix.PHOTO].en,
        "remedy_zh": FIX_WORDS[Fix.PHOTO].zh,
    }
