"""Who gets a video: the best that can have one, under the day's caps and budget, and nobody twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.figure_source import FILES_LIMIT, read_figure_tables
from flows.top_picks import DayRoom, Decision, Pick, pick
from flows.top_standing import Bar, Standing, VideoWork, look_at, plan_of
from skuflow.catalog.kept_photos import with_photos
from skuflow.insights.figure_sheets import FiguresError
from skuflow.insights.performance import ProductFigures
from skuflow.insights.ranking import Ranking, rank_products
from skuflow.jobs.contract import Expected, Slot
from skuflow.jobs.router import Offer
from skuflow.ledger.rows import RowState
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus, LabelledFile, Part, PartState
from skuflow.settings import Settings, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import cutout_key, kit_key, photo_key
from tasks.wiring import Wiring, using, wire
from tests.review_kits import mug, paint_plainly

CNY = 1_000_000
KIT = cast(Kit, SimpleNamespace(sku="it"))


def ranking(count: int) -> Ranking:
    """Products p1, p2, ... in this order."""
    return rank_products(
        [
            ProductFigures(
                sku=f"p{number}", orders=100 - number, revenue=Decimal(4000 - 40 * number), spend=Decimal(500)
            )
            for number in range(1, count + 1)
        ]
    )


class Vendor:
    """A paid provider of videos, as far as picking asks it."""

    paid = True

    def __init__(self, name: str) -> None:
        self.name = name


def offer(name: str = "kling", estimate: int = 2 * CNY) -> Offer:
    request = SimpleNamespace(capability=SimpleNamespace(value="video"), units=1)
    return Offer(cast(Any, Vendor(name)), cast(Any, request), estimate)


def can(*offers: Offer) -> Standing:
    return Standing(KIT, VideoWork(KIT, cast(Any, None), {}, offers))


def room(budget: int | None = None, **caps: int | None) -> DayRoom:
    return DayRoom(lambda provider, capability, paid: caps.get(provider), budget)


def decisions(picks: list[Pick]) -> list[str]:
    return [one.decision.value for one in picks]


def picked(
    count: int, standings: Mapping[str, Standing], day: DayRoom, top_n: int, **more: float
) -> list[Pick]:
    return pick(ranking(count), lambda sku: standings.get(sku, can(offer())), day, top_n=top_n, **more)


def test_the_places_go_to_the_best() -> None:
    assert decisions(picked(4, {}, room(), 2)) == ["make", "make", "below", "below"]


def test_who_has_a_video_keeps_the_place_and_who_can_have_none_leaves_it() -> None:
    standings = {"p1": Standing(KIT, None, Bar.HAS_VIDEO), "p2": Standing(None, None, Bar.NO_KIT)}
    assert decisions(picked(5, standings, room(), 3)) == [
        "has_video",
        "passed_over",
        "make",
        "make",
        "below",
    ]


def test_running_again_after_half_was_made_gives_no_further_places() -> None:
    first = picked(5, {}, room(kling=1), 3)
    assert decisions(first) == ["make", "deferred", "deferred", "below", "below"]
    after = {"p1": Standing(KIT, None, Bar.HAS_VIDEO)}
    assert decisions(picked(5, after, room(kling=2), 3)) == ["has_video", "make", "make", "below", "below"]


def test_kits_below_the_last_place_are_not_even_read() -> None:
    asked: list[str] = []

    def look(sku: str) -> Standing:
        asked.append(sku)
        return can(offer())

    pick(ranking(6), look, room(), top_n=2)
    assert asked == ["p1", "p2"]


@pytest.mark.parametrize(("left", "made"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_the_cap_is_taken_to_the_last_unit_and_not_beyond(left: int, made: int) -> None:
    picks = picked(3, {}, room(kling=left), 3)
    assert decisions(picks) == ["make"] * made + ["deferred"] * (3 - made)
    assert all("kling" in one.reason.en and "额度" in one.reason.zh for one in picks[made:])


@pytest.mark.parametrize(("budget", "made"), [(2 * CNY - 1, 0), (2 * CNY, 1), (4 * CNY - 1, 1), (4 * CNY, 2)])
def test_the_budget_holds_what_every_video_may_cost_at_most(budget: int, made: int) -> None:
    picks = picked(3, {}, room(budget), 3)
    assert decisions(picks) == ["make"] * made + ["deferred"] * (3 - made)
    assert "budget" in picks[-1].reason.en
    assert sum(one.estimate_micro for one in picks) == made * 2 * CNY


@pytest.mark.parametrize(
    ("limit", "said"), [(2 * CNY, "the next day goes on"), (2 * CNY - 1, "raise SKUFLOW_BUDGET")]
)
def test_a_budget_that_is_too_small_for_any_day_is_told(limit: int, said: str) -> None:
    day = DayRoom(lambda provider, capability, paid: None, CNY, limit)
    (one,) = picked(1, {}, day, 1)
    assert one.decision is Decision.DEFERRED
    assert said in one.reason.en
    assert ("SKUFLOW_BUDGET" in one.reason.zh) is (limit < 2 * CNY)


def test_a_fallback_takes_over_where_a_cap_is_used_up_but_not_where_the_budget_is() -> None:
    both = can(offer("kling"), offer("hailuo", CNY))
    standings = {f"p{number}": both for number in (1, 2, 3)}
    picks = picked(3, standings, room(kling=1, hailuo=1), 3)
    assert [one.provider for one in picks] == ["kling", "hailuo", ""]
    assert "kling, hailuo" in picks[2].reason.en
    assert decisions(picked(1, standings, room(CNY, kling=1), 1)) == ["deferred"]


def test_what_is_paid_already_takes_no_room() -> None:
    picks = picked(2, {"p1": can()}, room(0, kling=0), 2)
    assert decisions(picks) == ["make", "deferred"]
    assert picks[0].estimate_micro == 0


def test_a_least_return_ends_the_list_and_says_so() -> None:
    found = ranking(3)
    second = found.products[1].estimate
    assert second is not None
    at, over = second.return_ratio, second.return_ratio + 1e-9
    assert decisions(picked(3, {}, room(), 3, least_return_ratio=at)) == ["make", "make", "below"]
    assert decisions(picked(3, {}, room(), 3, least_return_ratio=over)) == ["make", "below", "below"]


def test_products_without_a_rank_come_last_and_are_not_picked() -> None:
    free = ProductFigures(sku="free", orders=3, revenue=Decimal(90))
    known = [one.figures for one in ranking(2).products]
    picks = pick(rank_products([free, *known]), lambda sku: can(offer()), room(), top_n=9)
    assert decisions(picks) == ["make", "make", "not_ranked"]


# --- the kit ---


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    settings = read_settings({"skuflow_home": tmp_path / "home", "skuflow_providers": ""})
    with using(wire(settings)) as found:
        yield found


@pytest.fixture
def kit(wiring: Wiring, tmp_path: Path) -> Kit:
    """A ready kit without a video, whose photo is at hand."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(paint_plainly("mug", None, 800, 800))
    whole = mug(wiring.store, paint_plainly, lambda sku: b"a film")
    styles = iter(("kitchen", "bedroom", "office"))
    images = tuple(
        image.model_copy(update={"style": next(styles)}) if image.style else image for image in whole.images
    )
    found = whole.model_copy(
        update={
            "images": images,
            "videos": (),
            "parts": tuple(part for part in whole.parts if not part.part.startswith("video")),
            "product": whole.product.model_copy(update={"images": (str(photo),)}),
        }
    )
    return stored(found, wiring)


def stored(kit: Kit, wiring: Wiring) -> Kit:
    wiring.store.put(kit_key(kit.sku), kit.model_dump_json(by_alias=True).encode(), "application/json")
    return kit


def with_part(kit: Kit, part: str, state: PartState) -> Kit:
    return kit.model_copy(update={"parts": (*kit.parts, Part(part=part, state=state))})


def test_a_kit_with_its_scenes_can_have_a_video_of_them(wiring: Wiring, kit: Kit) -> None:
    standing = look_at(kit.sku, wiring)
    assert standing.bar is None, standing.reason
    assert standing.work is not None
    assert [one.provider.name for one in standing.work.offers] == ["offline"]
    plan = standing.work.plan
    scenes = [image for image in kit.images if image.id.startswith("image:scene")]
    assert [style.id for _, style in plan.scenes] == [image.style for image in scenes]
    assert [slot.part for slot, _ in plan.scenes] == [image.id for image in scenes]
    assert [slot.part for slot in plan.video_slots] == ["video:1"]
    assert {slot.part for slot in plan.copy_slots} == {
        part.part for part in kit.parts if part.part[:4] == "copy"
    }
    assert list(wiring.ledger.iter_jobs()) == []


@pytest.mark.parametrize(
    ("change", "bar"),
    [
        (lambda kit: kit.model_copy(update={"status": KitStatus.REJECTED}), Bar.TURNED_DOWN),
        (lambda kit: kit.model_copy(update={"status": KitStatus.BLOCKED}), Bar.BLOCKED),
        (lambda kit: kit.model_copy(update={"images": kit.images[:1]}), Bar.NO_SCENE),
        (lambda kit: with_part(kit, "copy:pt", PartState.WAITING), Bar.INCOMPLETE),
        (lambda kit: with_part(kit, "video:2", PartState.FAILED), Bar.INCOMPLETE),
        (lambda kit: with_part(kit, "video:1", PartState.WAITING), None),
        (lambda kit: with_part(kit, "judge:copy:en", PartState.FAILED), None),
        (lambda kit: with_part(kit, "image:model:1", PartState.SKIPPED), None),
        (
            lambda kit: kit.model_copy(
                update={"product": kit.product.model_copy(update={"images": ("gone.jpg",)})}
            ),
            Bar.NO_PHOTO,
        ),
    ],
)
def test_what_stands_in_the_way(wiring: Wiring, kit: Kit, change: Any, bar: Bar | None) -> None:
    stored(change(kit), wiring)
    standing = look_at(kit.sku, wiring)
    assert standing.bar is bar
    assert (standing.work is None) is (bar is not None)
    if bar is not None:
        assert standing.reason.en
        assert standing.reason.zh


def test_a_kit_that_is_missing_or_has_its_video_is_told_apart(wiring: Wiring, kit: Kit) -> None:
    assert look_at("nobody", wiring).bar is Bar.NO_KIT
    whole = mug(wiring.store, paint_plainly, lambda sku: b"a film")
    upright = whole.videos[0].model_copy(update={"width": 1080, "height": 1920})
    stored(kit.model_copy(update={"videos": (upright,)}), wiring)
    assert look_at(kit.sku, wiring).bar is Bar.HAS_VIDEO
    stored(
        kit.model_copy(update={"videos": (upright.model_copy(update={"width": 1920, "height": 1080}),)}),
        wiring,
    )
    assert look_at(kit.sku, wiring).bar is None
    mood = upright.model_copy(update={"content_type": "atmosphere"})
    stored(kit.model_copy(update={"videos": (mood,)}), wiring)
    assert look_at(kit.sku, wiring).bar is None


def test_the_plan_keeps_what_only_catalog_and_markets_know(kit: Kit) -> None:
    row = Finding(code="ROW_BAD_PRICE", severity=Severity.WARNING, subject="row 7", message="odd")
    photo = Finding(code="PHOTO_DARK", severity=Severity.WARNING, subject="a.jpg", message="dark")
    label = LabelledFile(file="x.jpg", width=1, height=1, bytes=1, sha256="", markets=("CN",))
    labelled = kit.images[1].model_copy(update={"labelled": (label,)})
    product = kit.product.model_copy(update={"target_markets": ("US",)})
    changed = kit.model_copy(
        update={
            "product": product,
            "findings": (row, photo),
            "images": (kit.images[0], labelled, *kit.images[2:]),
        }
    )
    plan = plan_of(changed, changed.product)
    assert plan.findings == (row,)
    assert "CN" in plan.brief.markets
    assert plan.visible is not None
    assert plan_of(kit, kit.product).brief.markets == ()


def test_photos_come_from_storage_where_the_files_are_gone(kit: Kit, tmp_path: Path) -> None:
    class Elsewhere(FolderStore):
        """A storage whose objects are no files of this machine."""

        def local_path(self, key: str) -> Path | None:
            return None

    gone = kit.product.model_copy(update={"images": ("/no/longer/there.jpg",)})
    photo, person = b"a photo of the product", b"a photo of a person"
    for store in (FolderStore(tmp_path / "here"), Elsewhere(tmp_path / "there")):
        store.put(photo_key(kit.sku, "a" * 64, ".jpg"), photo, "image/jpeg")
        store.put(photo_key(kit.sku, "b" * 64, ".jpg"), person, "image/jpeg")
        store.put(cutout_key(kit.sku, "a" * 64, 1), b"png", "image/png")
        (image,) = with_photos(gone, store, tmp_path / "brought").images
        assert Path(image).read_bytes() == photo
    assert with_photos(kit.product, store, tmp_path / "x") == kit.product


def test_a_job_that_the_ledger_knows_is_not_bought_again(
    wiring: Wiring, kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Slot(kit.sku, "video").key()
    row = SimpleNamespace(
        id="job", sku=kit.sku, part="video:1", provider="kling", paid=True, fingerprint="another",
        state=RowState.SETTLED, settled_micro=CNY, error_code="", error_class="", error_message="", supersedes=None,
    )  # fmt: skip

    def known(state: RowState) -> None:
        row.state = state
        monkeypatch.setattr(wiring.ledger, "find_slots", lambda keys: {key: row})

    for state in (RowState.SETTLED, RowState.SUBMITTED, RowState.IN_DOUBT):
        known(state)
        work = look_at(kit.sku, wiring).work
        assert work is not None
        assert work.offers == ()
    known(RowState.EXPIRED)
    standing = look_at(kit.sku, wiring)
    assert standing.bar is Bar.REFUSED
    assert "--remake" in standing.reason.en


# --- where figures are read from ---


def settings_of(folder: Path, **more: object) -> Settings:
    return read_settings({"skuflow_home": folder, **more})


def names(figures: str, rows: str, settings: Settings, store: FolderStore) -> list[str]:
    return [table.name for table in read_figure_tables(figures, rows, settings, store)]


def test_figures_come_from_a_file_a_folder_storage_or_pasted_rows(tmp_path: Path) -> None:
    settings, store = settings_of(tmp_path), FolderStore(tmp_path / "storage")
    folder = tmp_path / "exports"
    folder.mkdir()
    for name in ("b.csv", "a.xlsx", "notes.pdf", "~$a.xlsx", ".hidden.csv"):
        (folder / name).write_bytes(b"sku,spend\nA,1\n")
    assert names(str(folder), "", settings, store) == ["a.xlsx", "b.csv"]
    assert names(str(folder / "b.csv"), "", settings, store) == ["b.csv"]
    assert names("", "sku,spend\nA,1\n", settings, store) == ["pasted rows"]
    store.put("figures/week-46/ads.csv", b"x", "text/csv")
    store.put("figures/sales.csv", b"x", "text/csv")
    store.put("elsewhere/other.csv", b"x", "text/csv")
    assert names("", "", settings, store) == ["sales.csv", "week-46/ads.csv"]
    assert names("figures/week-46", "", settings, store) == ["ads.csv"]
    assert names("elsewhere/other.csv", "", settings, store) == ["other.csv"]


def test_an_oss_address_is_read_below_the_configured_storage_only(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    store.put("figures/ads.csv", b"x", "text/csv")
    oss = settings_of(
        tmp_path,
        skuflow_storage="oss://bucket-1/shop",
        oss_access_key_id="id",
        oss_access_key_secret="secret",
        oss_region="cn-hangzhou",
    )
    assert names("oss://bucket-1/shop/figures/ads.csv", "", oss, store) == ["ads.csv"]
    for settings, address in [
        (oss, "oss://bucket-1/shopping/figures/ads.csv"),
        (oss, "oss://bucket-2/shop/figures/ads.csv"),
        (settings_of(tmp_path), "oss://bucket-1/shop/figures/ads.csv"),
    ]:
        with pytest.raises(FiguresError, match="not below SKUFLOW_STORAGE"):
            names(address, "", settings, store)


@pytest.mark.parametrize(
    ("figures", "rows", "said"),
    [
        ("a.csv", "sku,spend", "given twice"),
        ("missing.csv", "", r"missing\.csv: no figures are there"),
        ("../secrets.csv", "", r"\.\./secrets\.csv"),
        ("", "", "no figures are in figures/ of storage"),
        ("sku,spend\nA,1", "", "paste the rows into the field rows"),
        ("sku spend " * 100, "", "paste the rows into the field rows"),
    ],
)
def test_what_names_no_figures_is_refused_in_one_line(
    tmp_path: Path, figures: str, rows: str, said: str
) -> None:
    with pytest.raises(FiguresError, match=said) as caught:
        names(figures, rows, settings_of(tmp_path), FolderStore(tmp_path / "storage"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("files", "fits"), [(FILES_LIMIT, True), (FILES_LIMIT + 1, False)])
def test_a_folder_of_years_is_refused(tmp_path: Path, files: int, fits: bool) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    for number in range(files):
        (folder / f"{number:03}.csv").write_bytes(b"x")
    store = FolderStore(tmp_path / "storage")
    if fits:
        assert len(names(str(folder), "", settings_of(tmp_path), store)) == files
    else:
        with pytest.raises(FiguresError, match=f"more than {FILES_LIMIT}"):
            names(str(folder), "", settings_of(tmp_path), store)


def test_a_vendors_likely_price_is_told_beside_the_most() -> None:
    class Expecting(Vendor):
        def expected(self, request: object) -> Expected:
            return Expected(CNY // 2, CNY)

    taken = room(10 * CNY).take([replace(offer(), provider=cast(Any, Expecting("kling")))])
    assert isinstance(taken, Offer)
    assert (taken.estimate_micro, taken.expected.likely) == (2 * CNY, CNY)
    assert Decision.MAKE.value == "make"
