"""A chunk that is begun anew: what it makes again, and where it keeps its photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.listing_chunk import _order_of, still_to_remake
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.manifest import ChunkManifest
from skuflow.batches.rows import BatchRow, BatchState, ChunkRow, ChunkState, Counts
from skuflow.batches.shipping import PhotoShipper
from skuflow.jobs.contract import JobHandle
from skuflow.jobs.errors import AmbiguousSubmitError, TransientError
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, StoredResult
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.planning import plan_kit
from skuflow.storage.folder import FolderStore
from tasks.wiring import Wiring
from tests.money import NOON, Clock, open_ledger, order, product, stored

COPY = Wishes(stages=[Stage.COPY], languages=["en"])
MUG = product()
SLOT = plan_kit(MUG, COPY.brief()).slots[0]
AGAIN: dict[str, tuple[str, ...]] = {MUG.sku: (SLOT.part.casefold(),)}
REMAKE = Order((MUG,), COPY.brief(), Remakes(AGAIN), run_id="the-batch")
LOST = TransientError("gpu lost")
RESULTS = (StoredResult("copy", stored("made")),)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, clock=clock)
    yield opened
    assert opened.audit() == []
    opened.close()


def begun(ledger: Ledger, run_id: str = "", *, remake: bool = False) -> JobRow:
    wish = order(slot=SLOT, capability="copy", run_id=run_id)
    return ledger.reserve(wish, owner="me", submitting=True, remake=remake)


def submitted(ledger: Ledger, job: JobRow) -> JobRow:
    return ledger.record_submitted(job, JobHandle("acme", "acme-1", job.id))


def made(ledger: Ledger, job: JobRow) -> JobRow:
    return ledger.settle(ledger.record_stored(submitted(ledger, job), RESULTS, None))


def left(ledger: Ledger, since: datetime) -> dict[str, tuple[str, ...]]:
    return still_to_remake(REMAKE, ledger, since).by_sku


def test_a_job_that_was_unfinished_when_the_batch_was_cut_is_the_remake_once_it_has_ended(
    ledger: Ledger, clock: Clock
) -> None:
    job = begun(ledger, "an earlier run")
    clock.turn(minutes=1)
    cut_at = clock()
    assert left(ledger, cut_at) == AGAIN, "the run finishes it, whoever wishes it made again"
    clock.turn(minutes=1)
    made(ledger, job)
    assert left(ledger, cut_at) == {}
    assert left(ledger, clock()) == {}, "in the same moment"
    clock.turn(microseconds=1)
    assert left(ledger, clock()) == AGAIN, "a batch that is cut later wants another one"


def corrupt(ledger: Ledger, job: JobRow) -> None:
    ledger.fail(submitted(ledger, job), LOST, cost=job.estimated_micro)


def expired(ledger: Ledger, job: JobRow) -> None:
    ledger.expire(submitted(ledger, job), LOST)


@pytest.mark.parametrize("ends", [corrupt, expired])
def test_a_remake_that_was_charged_for_nothing_is_not_bought_again(
    ledger: Ledger, clock: Clock, ends: Callable[[Ledger, JobRow], None]
) -> None:
    first = made(ledger, begun(ledger))
    clock.turn(minutes=1)
    cut_at = clock()
    assert left(ledger, cut_at) == AGAIN
    clock.turn(minutes=1)
    ends(ledger, begun(ledger, remake=True))
    assert ledger.find_slots([SLOT.key()])[SLOT.key()].id == first.id, "the slot is the former job's again"
    assert left(ledger, cut_at) == {}


def test_a_remake_that_cost_nothing_is_tried_again(ledger: Ledger, clock: Clock) -> None:
    made(ledger, begun(ledger))
    clock.turn(minutes=1)
    ledger.fail(submitted(ledger, begun(ledger, "the-batch", remake=True)), LOST)
    ledger.release(begun(ledger, "the-batch", remake=True), LOST)
    assert left(ledger, NOON) == {}, "what was first made has ended since"
    assert left(ledger, clock()) == AGAIN


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_remake_that_may_be_owed_is_the_remake(ledger: Ledger, clock: Clock, doubtful: bool) -> None:
    made(ledger, begun(ledger))
    clock.turn(minutes=1)
    cut_at = clock()
    job = begun(ledger, remake=True)
    if doubtful:
        ledger.mark_in_doubt(job, AmbiguousSubmitError("lost"))
    assert left(ledger, cut_at) == {}


def test_what_the_batch_ordered_counts_by_whatever_clock_it_was_written(ledger: Ledger, clock: Clock) -> None:
    made(ledger, begun(ledger, "the-batch"))
    ahead = clock()
    clock.turn(seconds=1)
    cut_at = clock()
    assert ahead < cut_at
    assert left(ledger, cut_at) == {}


# Photos


def photos(manifest: ChunkManifest, home: Path, store: FolderStore, fence: int) -> Any:
    wiring = SimpleNamespace(settings=SimpleNamespace(skuflow_home=home), store=store, ledger=None)
    batch = BatchRow("b1", "shop.csv", None, 1, 1, BatchState.OPEN, "r", "", Counts(), NOON, NOON)
    chunk = ChunkRow("b1", 1, 1, ChunkState.RUNNING, "me", None, fence, fence, "r", Counts(), "", NOON)
    return _order_of(manifest, cast(Wiring, wiring), batch, chunk)


def as_text(path: str) -> str:
    return Path(path).read_text() if Path(path).exists() else ""


async def test_a_run_that_has_lost_its_chunk_leaves_its_successors_photos_alone(tmp_path: Path) -> None:
    photo = tmp_path / "front.jpg"
    photo.write_bytes(b"a photo")
    store = FolderStore(tmp_path / "store")
    manifest = ChunkManifest(
        batch_id="b1",
        no=1,
        catalog="shop.csv",
        run_id="r",
        wishes=COPY.model_dump(mode="json"),
        settings={},
        remakes={},
        products=(product(images=(str(photo),)),),
        refused=(),
        findings={},
        beside={},
        loose_findings=(),
        files=PhotoShipper(store, "b1").ship([str(photo)]),
    )
    home = tmp_path / "home"
    former, heir = photos(manifest, home, store, 1), photos(manifest, home, store, 2)
    await former.__aenter__()
    heirs_order, _ = await heir.__aenter__()
    await former.__aexit__(None, None, None)
    (image,) = heirs_order.products[0].images
    assert as_text(image) == "a photo"
    await heir.__aexit__(None, None, None)
    assert as_text(image) == ""
