"""Chunks as runs of their own: sent once, begun again when their run is gone, given up when they end every run."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelled, Cancelling, Crashed, Failed, Pending

from flows import batch_runs
from flows import listing_chunk as listing_chunk_module
from flows.batch_runs import MOST_ATTEMPTS, restart_stranded
from flows.kit_reports import BatchReport
from flows.listing_chunk import listing_chunk
from flows.new_listings import new_listings
from flows.order import Order
from flows.wishes import Wishes
from skuflow.batches.batches import Batches
from skuflow.batches.results import read_results
from skuflow.batches.rows import BatchRow, BatchState, ChunkState
from skuflow.ledger.schema import batch_chunks, notices
from skuflow.listing.brief import Stage
from skuflow.storage.folder import FolderStore
from tasks import dead_runs
from tasks.chunks import announce_untold
from tasks.dead_runs import mark_never_begun
from tasks.wiring import Wiring
from tests.flows.conftest import MUG, MakeCatalog, MakeWiring

pytestmark = pytest.mark.usefixtures("prefect_server")

COPY_ONLY = Wishes(stages=[Stage.COPY], languages=["en"])
THREE = [{**MUG, "sku": f"mug-{number}"} for number in range(1, 4)]


@pytest_asyncio.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PrefectClient]:
    """A server that knows the chunk's deployment; runs of this test count as runs of a deployment."""
    monkeypatch.setattr(batch_runs, "deployment", SimpleNamespace(id="a deployment"))
    async with get_client() as opened:
        flow_id = await opened.create_flow(listing_chunk)
        await opened.create_deployment(flow_id, "chunk", parameter_openapi_schema={})
        yield opened


async def sent(wiring: Wiring, catalog: Path) -> BatchRow:
    state: Any = await new_listings(str(catalog), COPY_ONLY, return_state=True)
    assert state.is_completed()
    assert "3 SKUs in 2 chunks, each a run of its own" in state.message
    batch_id = state.message.rpartition(" ")[2]
    batch = Batches(wiring.ledger.engine).get(batch_id)
    assert batch is not None
    return batch


async def run_of(client: PrefectClient, batches: Batches, batch: BatchRow, no: int) -> FlowRun:
    return await client.read_flow_run(UUID(batches.chunks(batch.id)[no - 1].run_id))


async def test_a_long_batch_is_left_to_runs_that_anybody_may_take(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    batches = Batches(wiring.ledger.engine)
    assert list(wiring.ledger.iter_jobs()) == [], "nothing was made by the run that cut it"
    for no in (1, 2):
        run = await run_of(client, batches, batch, no)
        assert run.parameters == {"batch_id": batch.id, "chunk": no}
        assert run.state is not None
        assert run.state.is_scheduled()
        assert f"batch:{batch.id}" in run.tags

    assert await restart_stranded(wiring) == [], "their runs are still to come"
    for no in (2, 1):
        await listing_chunk(batch.id, no)
    closed = batches.get(batch.id)
    assert closed is not None
    assert (closed.state, closed.counts.by_status) == (BatchState.CLOSED, {"needs_review": 3})
    assert {job.run_id for job in wiring.ledger.iter_jobs()} == {batch.run_id}
    state: Any = await listing_chunk(batch.id, 1, return_state=True)
    assert state.is_completed()
    assert "needs no run" in state.message


async def test_a_batch_is_told_once_when_it_closes_and_by_the_janitor_if_nobody_did(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    # Nobody listens there: what is told waits in the database.
    hook = {"skuflow_webhook_url": "http://127.0.0.1:9/", "skuflow_webhook_secret": "a secret of the tests"}
    wiring = make_wiring(skuflow_chunk_skus=2, **hook)
    batch = await sent(wiring, make_catalog(*THREE))
    await listing_chunk(batch.id, 2)
    assert told_runs(wiring) == []
    await listing_chunk(batch.id, 1)
    (told,) = told_runs(wiring)
    assert (told["run_id"], told["batch_id"], told["complete"]) == (batch.run_id, batch.id, True)
    assert (told["counts"], told["skus_total"]) == ({"needs_review": 3}, 3)
    await announce_untold(wiring)
    assert len(told_runs(wiring)) == 1
    with wiring.ledger.engine.begin() as connection:
        connection.execute(sa.delete(notices).where(notices.c.event == "run.completed"))
    await announce_untold(wiring)
    assert told_runs(wiring) == [told]


def told_runs(wiring: Wiring) -> list[dict[str, Any]]:
    with wiring.ledger.engine.connect() as connection:
        query = sa.select(notices.c.payload).where(notices.c.event == "run.completed")
        return list(connection.execute(query).scalars())


async def test_a_chunk_whose_run_is_gone_gets_another(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    batches = Batches(wiring.ledger.engine)
    lost = await run_of(client, batches, batch, 1)
    await client.set_flow_run_state(lost.id, Crashed(), force=True)
    (said,) = await restart_stranded(wiring)
    assert said == f"chunk 1 of batch {batch.id}: started again 已重新启动"
    again = await run_of(client, batches, batch, 1)
    assert again.id != lost.id
    assert again.parameters == lost.parameters

    # A worker that was killed: its process is gone, whatever Prefect believes of the run.
    _change(wiring, batch.id, 2, state="running", owner=_gone(), lease_until=_in_an_hour(), attempts=1)
    assert await restart_stranded(wiring) == [f"chunk 2 of batch {batch.id}: started again 已重新启动"]
    await listing_chunk(batch.id, 2)
    assert [chunk.state for chunk in batches.chunks(batch.id)] == [ChunkState.WAITING, ChunkState.DONE]


async def test_a_chunk_that_a_person_cancels_stays_cancelled(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    batches = Batches(wiring.ledger.engine)
    # The second one's machine is gone, and nobody there answers to the order.
    for no, state in ((1, Cancelled()), (2, Cancelling())):
        run = await run_of(client, batches, batch, no)
        await client.set_flow_run_state(run.id, state, force=True)
    # One had begun, and its process was ended for it.
    _change(wiring, batch.id, 2, state="running", owner=_gone(), lease_until=_in_an_hour(), attempts=1)
    assert await restart_stranded(wiring) == [
        f"chunk {no} of batch {batch.id}: its run was cancelled by a person 其运行已由人工取消"
        for no in (1, 2)
    ]
    closed = batches.get(batch.id)
    assert closed is not None
    assert (closed.state, closed.counts.by_status) == (BatchState.CLOSED, {"failed": 3})
    assert await restart_stranded(wiring) == []
    assert list(wiring.ledger.iter_jobs()) == []


async def test_a_chunk_whose_next_run_ends_before_it_takes_it_gets_one_more(
    make_catalog: MakeCatalog,
    make_wiring: MakeWiring,
    client: PrefectClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    batches = Batches(wiring.ledger.engine)
    first = await run_of(client, batches, batch, 2)
    dead = {"state": "running", "owner": _gone(), "lease_until": _in_an_hour(), "attempts": 1}
    _change(wiring, batch.id, 2, **dead)
    seen = {first.id}
    for end in (Failed, Crashed):
        (_,) = await restart_stranded(wiring)
        run = await run_of(client, batches, batch, 2)
        assert run.id not in seen
        seen.add(run.id)
        assert await restart_stranded(wiring) == [], "it is still to come"
        await client.set_flow_run_state(run.id, end(), force=True)

    # A worker took it and was killed before it began.
    (_,) = await restart_stranded(wiring)
    taken = await run_of(client, batches, batch, 2)
    await client.set_flow_run_state(taken.id, Pending(), force=True)
    await client.update_flow_run(taken.id, infrastructure_pid="1")
    assert await restart_stranded(wiring) == []
    monkeypatch.setattr(dead_runs, "PENDING_FOR", timedelta(0))
    assert await mark_never_begun()
    seen.add(taken.id)

    # The first had only slept: it held the chunk when the others came, and died later.
    _change(wiring, batch.id, 2, run_id=str(first.id), **dead)
    (_,) = await restart_stranded(wiring)
    assert (await run_of(client, batches, batch, 2)).id not in seen


async def test_a_run_that_lost_its_chunk_writes_no_results(
    make_catalog: MakeCatalog,
    make_wiring: MakeWiring,
    client: PrefectClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    usual = listing_chunk_module._make

    async def slept(*_: Any) -> BatchReport:
        monkeypatch.setattr(listing_chunk_module, "_make", usual)
        _change(wiring, batch.id, 1, owner=_gone())
        await listing_chunk(batch.id, 1)
        return BatchReport((), (), "", results=())

    monkeypatch.setattr(listing_chunk_module, "_make", slept)
    state: Any = await listing_chunk(batch.id, 1, return_state=True)
    assert "another run has taken over chunk 1" in state.message
    reported = read_results(wiring.store, batch.id, 1).results
    assert [result.sku for result in reported] == ["mug-1", "mug-2"]


async def test_a_chunk_that_ends_every_run_is_given_up_and_the_batch_closes(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    batch = await sent(wiring, make_catalog(*THREE))
    await listing_chunk(batch.id, 1)
    dead = {"state": "running", "owner": _gone(), "lease_until": _in_an_hour()}
    _change(wiring, batch.id, 2, attempts=MOST_ATTEMPTS - 1, **dead)
    assert await restart_stranded(wiring) == [f"chunk 2 of batch {batch.id}: started again 已重新启动"]
    _change(wiring, batch.id, 2, attempts=MOST_ATTEMPTS, **dead)
    (said,) = await restart_stranded(wiring)
    assert "given up after 3 runs" in said
    closed = Batches(wiring.ledger.engine).get(batch.id)
    assert closed is not None
    assert (closed.state, closed.counts.by_status) == (BatchState.CLOSED, {"needs_review": 2, "failed": 1})
    assert await restart_stranded(wiring) == []


async def test_without_the_deployment_the_run_does_all_itself(
    make_catalog: MakeCatalog, make_wiring: MakeWiring, client: PrefectClient
) -> None:
    make_wiring(skuflow_chunk_skus=2)
    deployed = await client.read_deployment_by_name("listing-chunk/chunk")
    await client.delete_deployment(deployed.id)
    report = await new_listings(str(make_catalog(*THREE)), COPY_ONLY)
    assert [result.made for result in report.results] == [1, 1, 1]


class FarStore:
    """A storage that no machine has on its disk."""

    def __init__(self, folder: Path) -> None:
        self._inner = FolderStore(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def local_path(self, key: str) -> None:
        return None


async def test_photos_reach_a_worker_that_does_not_see_the_cutters_disk(
    make_catalog: MakeCatalog,
    make_wiring: MakeWiring,
    client: PrefectClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wiring = make_wiring(skuflow_chunk_skus=2)
    wiring.store = FarStore(tmp_path / "far")  # type: ignore[assignment]  # as good as one, by its methods
    catalog = make_catalog(*THREE)
    photo = (catalog.parent / MUG["images"]).read_bytes()
    batch = await sent(wiring, catalog)
    shutil.rmtree(catalog.parent)
    seen: list[Path] = []

    async def looked_at(wiring: Wiring, order: Order, beside: Any) -> BatchReport:
        assert beside.keys() == {product.sku for product in order.products}
        seen.extend(Path(image) for product in order.products for image in product.images)
        assert {path.read_bytes() for path in seen} == {photo}
        return BatchReport()

    monkeypatch.setattr(listing_chunk_module, "work_off", looked_at)
    await listing_chunk(batch.id, 1)
    assert [path.name for path in seen] == [MUG["images"]] * 2
    assert not any(path.exists() for path in seen), "nothing is left on the worker"
    assert len(list(wiring.store.list(f"batches/{batch.id}/files/"))) == 1, "three products share one photo"


def _change(wiring: Wiring, batch_id: str, no: int, **values: Any) -> None:
    with wiring.ledger.engine.begin() as connection:
        connection.execute(
            sa.update(batch_chunks)
            .where(batch_chunks.c.batch_id == batch_id, batch_chunks.c.no == no)
            .values(**values)
        )


def _gone() -> str:
    """An owner of this machine that no longer exists: no process has this start time."""
    from skuflow.ledger.owners import this_process

    return "/".join((*this_process().split("/")[:3], "1", "1"))


def _in_an_hour() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
