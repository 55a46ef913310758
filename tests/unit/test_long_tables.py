"""A table of more SKUs than one run makes is cut once: whoever comes by later leaves it to its chunks while these are
at work, and goes on with what they left over only when that can come to something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from flows.arrival_line import ArrivalsReport, book_of, work_off_arrivals
from flows.arrived_order import AGAIN_AFTER
from flows.cutting import cut
from flows.kit_reports import BatchReport
from flows.long_tables import failed_since, in_work, rest_of
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.batches import Batches
from skuflow.batches.history import batches_of_run
from skuflow.batches.results import SkuResult
from skuflow.batches.rows import CANCELLED_NOTE, BatchRow, BatchState, Counts
from skuflow.catalog.arrivals.book import MAX_ATTEMPTS, ArrivalBook
from skuflow.catalog.arrivals.reading import ArrivedProducts
from skuflow.catalog.arrivals.states import ArrivalFolder, FolderState
from skuflow.catalog.product import Product, ProductSource
from skuflow.ledger.schema import arrival_folders, batches
from skuflow.listing.assembly import kit_json
from skuflow.listing.brief import Stage
from skuflow.listing.kit import Kit, KitStatus, Part, PartState
from skuflow.settings import read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from tasks.wiring import Wiring, using, wire

WISHES = Wishes(stages=[Stage.COPY], languages=["en"])
FIVE = [f"S{number}" for number in range(1, 6)]
CAP = "CAP_REACHED: until midnight"
STILL = "STILL_WORKING: the vendor is at it"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def wiring(tmp_path: Path) -> Iterator[Wiring]:
    home = {"skuflow_home": tmp_path / "home", "skuflow_providers": ""}
    settings = read_settings({**home, "skuflow_settle_s": 0, "skuflow_chunk_skus": 2})
    with using(wire(settings)) as found:
        yield found


@pytest.fixture
def orders() -> list[Order]:
    """What was ordered, in order; orders longer than a chunk are cut and left to runs of their own."""
    return []


def land(wiring: Wiring, skus: Sequence[str] = FIVE, title: str = "Mug") -> None:
    rows = "\n".join(["sku,title_en,images", *(f"{sku},{title},a.jpg" for sku in skus)])
    wiring.store.put("incoming/long/a.jpg", b"\xff\xd8\xff not looked into", "image/jpeg")
    wiring.store.put("incoming/long/rows.csv", rows.encode(), "text/csv")


def look(
    wiring: Wiring, orders: list[Order], *, status: KitStatus = KitStatus.NEEDS_REVIEW
) -> ArrivalsReport:
    """A run comes by, once the folder's time has come; ``status``: how the SKUs end that it makes itself."""

    async def make(wiring: Wiring, order: Order, wishes: Wishes) -> BatchReport:
        orders.append(order)
        if len(order.skus) <= wiring.settings.skuflow_chunk_skus:
            results = [SkuResult(sku=sku, title="Mug", status=status, has_kit=True) for sku in order.skus]
            return BatchReport(run_id=order.run_id, results=results)
        batch = cut(wiring, order, wishes, in_process=False)
        return BatchReport(run_id=order.run_id, results=(), batch_id=batch.id)

    async def no_time_passes(_: float) -> None: ...

    with wiring.ledger.engine.begin() as connection:
        deferred = sa.update(arrival_folders).where(arrival_folders.c.state == FolderState.DEFERRED)
        connection.execute(deferred.values(next_at=datetime.now(UTC)))
    return asyncio.run(work_off_arrivals(wiring, WISHES, make, "run", sleep=no_time_passes))


def folder(wiring: Wiring) -> ArrivalFolder:
    found = book_of(wiring).folder("long")
    assert found is not None
    return found


def kit_of(
    sku: str, status: KitStatus, *reasons: str, state: PartState = PartState.WAITING, title: str = "Mug"
) -> Kit:
    parts = tuple(
        Part(part=f"image:{number}", state=state, reason=said) for number, said in enumerate(reasons)
    )
    source = ProductSource(catalog="incoming/long/rows.csv")
    product = Product(sku=sku, titles={"en": title}, kind="mug", source=source)
    return Kit(sku=sku, kit_id="k", created_at="", status=status, product=product, parts=parts)


def made(wiring: Wiring, status: KitStatus, *reasons: str, skus: Sequence[str] = FIVE) -> None:
    for sku in skus:
        wiring.store.put(kit_key(sku), kit_json(kit_of(sku, status, *reasons)), "application/json")


def close(wiring: Wiring, run_id: str, **by_status: int) -> None:
    """The chunks of the run's newest batch end; the first of them came to these ends."""
    known = Batches(wiring.ledger.engine)
    batch = batches_of_run(wiring.ledger.engine, run_id)[0]
    for no in range(1, batch.chunks + 1):
        known.finish(known.take(batch.id, no, "chunk"), Counts(by_status if no == 1 else {}))


def all_batches(wiring: Wiring) -> int:
    with wiring.ledger.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(batches)).scalar_one()


def test_while_its_chunks_are_at_work_a_table_is_left_to_them(wiring: Wiring, orders: list[Order]) -> None:
    land(wiring)
    assert look(wiring, orders).left == 1
    made(wiring, KitStatus.NEEDS_REVIEW, skus=FIVE[:2])
    before = datetime.now(UTC)
    report = look(wiring, orders)
    assert (report.folders, report.left, report.results) == (1, 1, [])
    assert [order.skus for order in orders] == [tuple(FIVE)], "nothing is ordered beside the open batch"
    assert all_batches(wiring) == 1
    found = folder(wiring)
    assert (found.state, found.note.en) == (
        FolderState.DEFERRED,
        "5 SKUs in chunks, each a run of its own",
    )
    assert before + AGAIN_AFTER <= found.next_at <= datetime.now(UTC) + AGAIN_AFTER


def test_the_photos_of_a_table_in_work_are_not_fetched_again(
    wiring: Wiring, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    land(wiring)
    look(wiring, orders)
    monkeypatch.setattr("flows.arrival_line.read_folder", lambda *_: pytest.fail("the table was read"))
    assert look(wiring, orders).left == 1
    assert folder(wiring).state is FolderState.DEFERRED


def test_a_table_that_is_changed_meanwhile_is_cut_anew(wiring: Wiring, orders: list[Order]) -> None:
    land(wiring)
    look(wiring, orders)
    land(wiring, title="A taller mug")
    look(wiring, orders)
    assert [order.skus for order in orders] == [tuple(FIVE), tuple(FIVE)]
    assert orders[0].run_id != orders[1].run_id
    assert all_batches(wiring) == 2


def test_what_waits_for_a_cap_is_tried_after_midnight_and_not_before(
    wiring: Wiring, orders: list[Order]
) -> None:
    land(wiring)
    look(wiring, orders)
    close(wiring, orders[0].run_id, deferred=5)
    made(wiring, KitStatus.DEFERRED, CAP, "BUDGET_REACHED: until midnight")
    report = look(wiring, orders)
    assert (len(orders), report.left, all_batches(wiring)) == (1, 0, 1)
    found, today = folder(wiring), datetime.now(SHANGHAI)
    assert (found.state, found.note.en) == (FolderState.DEFERRED, "5 deferred")
    tomorrow = (today + timedelta(days=1)).date()
    assert found.next_at.astimezone(SHANGHAI) == datetime(
        tomorrow.year, tomorrow.month, tomorrow.day, 0, 1, tzinfo=SHANGHAI
    )

    with wiring.ledger.engine.begin() as connection:
        connection.execute(sa.update(batches).values(created_at=datetime.now(UTC) - timedelta(days=1)))
    assert look(wiring, orders).left == 1
    assert orders[1].skus == tuple(FIVE), "on the new day its caps are free again"
    assert all_batches(wiring) == 2


def test_what_can_be_gone_on_with_takes_nothing_along_that_waits_for_midnight(
    wiring: Wiring, orders: list[Order]
) -> None:
    land(wiring)
    look(wiring, orders)
    close(wiring, orders[0].run_id, deferred=4, failed=1)
    made(wiring, KitStatus.DEFERRED, CAP, skus=FIVE[:4])
    look(wiring, orders, status=KitStatus.FAILED)
    assert orders[1].skus == ("S5",)
    assert (folder(wiring).note.en, folder(wiring).attempts) == ("4 deferred, 1 failed", 1)
    look(wiring, orders)
    assert orders[2].skus == ("S5",)
    found = folder(wiring)
    assert (found.state, found.note.en) == (FolderState.DEFERRED, "4 deferred, 1 needs_review")
    assert found.next_at.astimezone(SHANGHAI).time().isoformat() == "00:01:00"


def test_what_fails_is_tried_as_often_as_any_folder_and_then_left_to_a_person(
    wiring: Wiring, orders: list[Order]
) -> None:
    land(wiring)
    made(wiring, KitStatus.FAILED, "VENDOR_FAILED: for good")
    for tries in range(1, MAX_ATTEMPTS + 1):
        assert look(wiring, orders).left == 1
        assert all_batches(wiring) == tries
        close(wiring, orders[0].run_id, failed=2)
    report = look(wiring, orders)
    assert all_batches(wiring) == MAX_ATTEMPTS
    assert [name for name, _ in report.refused] == ["long"]
    assert folder(wiring).state is FolderState.REFUSED
    assert folder(wiring).note.en.startswith(f"its kits came out as failed {MAX_ATTEMPTS} times")

    land(wiring, title="A mug that can be made")
    assert look(wiring, orders).left == 1, "what was mended begins anew"


def test_what_a_person_has_stopped_is_not_cut_again(wiring: Wiring, orders: list[Order]) -> None:
    land(wiring)
    look(wiring, orders)
    known = Batches(wiring.ledger.engine)
    for chunk in known.chunks(batches_of_run(wiring.ledger.engine, orders[0].run_id)[0].id):
        known.give_up(chunk, CANCELLED_NOTE)
    look(wiring, orders)
    assert (len(orders), all_batches(wiring)) == (1, 1)
    assert folder(wiring).state is FolderState.REFUSED
    assert "a person cancelled" in folder(wiring).note.en

    land(wiring, title="A mug for the right market")
    assert look(wiring, orders).left == 1


def test_a_conflict_of_a_long_table_is_told_while_its_chunks_are_at_work(
    wiring: Wiring, orders: list[Order]
) -> None:
    other = kit_of("S1", KitStatus.NEEDS_REVIEW, title="A wholly different mug")
    source = ProductSource(catalog="incoming/other/rows.csv")
    other = other.model_copy(update={"product": other.product.model_copy(update={"source": source})})
    wiring.store.put(
        "incoming/other/rows.csv", b"sku,title_en,images\nS1,A wholly different mug,a.jpg", "text/csv"
    )
    wiring.store.put("incoming/other/a.jpg", b"\xff\xd8\xff not looked into", "image/jpeg")
    look(wiring, orders)
    wiring.store.put(kit_key("S1"), kit_json(other), "application/json")
    land(wiring)
    look(wiring, orders)
    assert [order.skus for order in orders] == [("S1",), tuple(FIVE[1:])]
    assert folder(wiring).state is FolderState.REFUSED
    assert "S1 (incoming/other)" in folder(wiring).note.en


def test_a_database_that_is_away_says_nothing_against_a_folder(
    wiring: Wiring, orders: list[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_gone(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("select", {}, Exception("the connection is lost"))

    land(wiring)
    with monkeypatch.context() as patched:
        patched.setattr("flows.arrival_line.batches_of_run", is_gone)
        with pytest.raises(sa.exc.OperationalError):
            look(wiring, orders)
    assert (folder(wiring).state, folder(wiring).attempts) == (FolderState.WAITING, 0)
    assert not (wiring.settings.skuflow_home / "crashes").exists()
    assert look(wiring, orders).left == 1
    with monkeypatch.context() as patched:
        patched.setattr(ArrivalBook, "defer", is_gone)
        with pytest.raises(sa.exc.OperationalError):
            look(wiring, orders)
    assert folder(wiring).state is not FolderState.TAKEN
    assert all_batches(wiring) == 1


def test_a_table_of_which_nothing_is_left_is_done_and_says_so(wiring: Wiring, orders: list[Order]) -> None:
    land(wiring)
    look(wiring, orders)
    close(wiring, orders[0].run_id, needs_review=5)
    made(wiring, KitStatus.NEEDS_REVIEW, skus=FIVE[:4])
    made(wiring, KitStatus.BLOCKED, skus=FIVE[4:])
    look(wiring, orders)
    assert (len(orders), all_batches(wiring)) == (1, 1)
    assert (folder(wiring).state, folder(wiring).note.en) == (
        FolderState.DONE,
        "4 needs_review, 1 blocked",
    )


# What is left over, by itself


def batch(
    created_at: datetime, state: BatchState = BatchState.CLOSED, owner: str = "", **counts: int
) -> BatchRow:
    return BatchRow(
        "b", "incoming/long/rows.csv", {}, 5, 3, state, "r", owner, Counts(counts), created_at, created_at
    )


def arrived(*skus: str) -> ArrivedProducts:
    products = tuple(kit_of(sku, KitStatus.FAILED).product for sku in skus)
    return ArrivedProducts("long", "incoming/long/rows.csv", products, (), {}, (), {})


@pytest.mark.parametrize(
    ("kit", "is_left"),
    [
        (kit_of("S1", KitStatus.DEFERRED, CAP), False),
        (kit_of("S1", KitStatus.DEFERRED, CAP, STILL), True),
        (kit_of("S1", KitStatus.DEFERRED), True),
        (kit_of("S1", KitStatus.FAILED, CAP), True),
        (kit_of("S1", KitStatus.REJECTED), False),
        (kit_of("S1", KitStatus.APPROVED, title="Mug as it was"), True),
        (None, True),
    ],
    ids=["cap", "cap and vendor", "no reason", "failed", "turned down", "other facts", "no kit"],
)
def test_what_a_table_has_left_over(tmp_path: Path, kit: Kit | None, is_left: bool) -> None:
    store = FolderStore(tmp_path)
    if kit is not None:
        store.put(kit_key("S1"), kit_json(kit), "application/json")
    rest = rest_of(arrived("S1"), store, [batch(NOON)], NOON, SHANGHAI, landed_at=NOON)
    assert rest.folder.skus == (("S1",) if is_left else ())
    assert dict(rest.others) == ({} if is_left or kit is None else {kit.status.value: 1})


@pytest.mark.parametrize(
    ("cut_at", "is_left"),
    [
        ([datetime(2026, 11, 19, 15, 59, tzinfo=UTC)], True),
        ([datetime(2026, 11, 19, 16, 0, tzinfo=UTC)], False),
        ([], True),
    ],
    ids=["the day before", "at midnight", "never"],
)
def test_a_cap_of_another_day_puts_nothing_off(tmp_path: Path, cut_at: list[datetime], is_left: bool) -> None:
    store = FolderStore(tmp_path)
    store.put(kit_key("S1"), kit_json(kit_of("S1", KitStatus.DEFERRED, CAP)), "application/json")
    rest = rest_of(arrived("S1"), store, [batch(moment) for moment in cut_at], NOON, SHANGHAI, landed_at=NOON)
    assert bool(rest.folder.skus) is is_left


@pytest.mark.parametrize(("made_at", "is_left"), [(NOON - timedelta(seconds=1), True), (NOON, False)])
def test_the_newer_of_two_folders_has_the_sku(tmp_path: Path, made_at: datetime, is_left: bool) -> None:
    """A kit of another folder with other facts, made before or after the table landed."""
    store, kit = FolderStore(tmp_path), kit_of("S1", KitStatus.APPROVED, title="A corrected mug")
    source = ProductSource(catalog="incoming/corrected/rows.csv")
    product = kit.product.model_copy(update={"source": source})
    kit = kit.model_copy(update={"product": product, "created_at": made_at.isoformat()})
    store.put(kit_key("S1"), kit_json(kit), "application/json")
    rest = rest_of(arrived("S1"), store, [batch(NOON)], NOON, SHANGHAI, landed_at=NOON)
    assert bool(rest.folder.skus) is is_left


def test_only_chunks_that_are_runs_of_their_own_are_waited_for() -> None:
    own = batch(NOON, BatchState.OPEN, owner="a process")
    open_ = batch(NOON - timedelta(hours=1), BatchState.OPEN)
    assert in_work([own, batch(NOON), batch(NOON, BatchState.STOPPED)]) is None
    assert in_work([own, open_]) is open_


def test_batches_that_failed_count_since_the_last_change() -> None:
    cut_before = [
        batch(NOON, failed=1),
        batch(NOON - timedelta(seconds=1), failed=1),
        batch(NOON + timedelta(hours=1), deferred=3),
    ]
    assert failed_since(cut_before, NOON) == 1
