"""The janitor as a flow: jobs collected, dead runs begun again, events raised once a day, artifacts when it matters."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey, FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Completed, Crashed, Pending, Running

from flows.commands.doctor import examine
from flows.janitor import janitor
from flows.manual import manual_listings
from flows.top_videos import top_videos
from skuflow.batches.claims import SkuClaims
from skuflow.housekeeping.marks import RAN, Marks
from skuflow.jobs.errors import InsufficientBalanceError
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.rows import RowState
from skuflow.storage.objects import StorageError
from tasks import dead_runs
from tasks.dead_runs import (
    MOST_RESUMES,
    RESUMED_FROM,
    mark_dead_runs,
    mark_never_begun,
    resume_crashed,
)
from tests.contract.vendor_requests import make_requests
from tests.flows.conftest import MakeWiring
from tests.money import order

pytestmark = pytest.mark.usefixtures("prefect_server")

GOODS = {"products": "/goods/week47.csv", "kits": {"stages": ["copy"]}}


async def run_janitor() -> Any:
    """Its final state."""
    flow: Any = janitor
    return await flow(return_state=True)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[PrefectClient]:
    async with get_client() as opened:
        yield opened


@pytest_asyncio.fixture
async def by_hand(client: PrefectClient) -> UUID:
    flow_id = await client.create_flow(manual_listings)
    return await client.create_deployment(flow_id, "manual", tags=["by-hand"], parameter_openapi_schema={})


async def crashed_run(client: PrefectClient, deployment: UUID, parameters: dict[str, Any] = GOODS) -> FlowRun:
    run = await client.create_flow_run_from_deployment(
        deployment, parameters=parameters, name=f"run {uuid4()}"
    )
    return await crash(client, run)


async def crash(client: PrefectClient, run: FlowRun) -> FlowRun:
    await client.set_flow_run_state(run.id, Running(), force=True)
    await client.set_flow_run_state(run.id, Crashed(message="killed"), force=True)
    return await client.read_flow_run(run.id)


async def stand_ins(client: PrefectClient, run: FlowRun) -> list[FlowRun]:
    tags = FlowRunFilterTags(all_=[f"{RESUMED_FROM}{run.id}"])
    found = await client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))
    return sorted(found, key=lambda one: one.created or datetime.min.replace(tzinfo=UTC))


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crashes count as reported by both reporters at once."""
    monkeypatch.setattr(dead_runs, "CRASH_SETTLES", timedelta(0))


async def test_a_finished_job_is_collected_and_shown(make_wiring: MakeWiring, client: PrefectClient) -> None:
    wiring = make_wiring()
    request = make_requests(wiring.store)["copy"]
    offline = wiring.provider_named("offline")
    held = wiring.ledger.reserve(
        Runner(wiring.ledger, wiring.store, pace=Pace())._order(request, offline, _wish(request)),
        owner="me",
        submitting=True,
    )
    handle = await offline.submit(request, idempotency_key=held.key)
    wiring.ledger.let_go(wiring.ledger.record_submitted(held, handle))

    state = await run_janitor()
    assert (state.name, state.message) == ("Completed", "1 jobs collected · 取回 1 项任务")
    (row,) = wiring.ledger.iter_jobs()
    assert row.state is RowState.SETTLED
    assert all(wiring.store.exists(result.object.key) for result in row.result)
    artifacts = await client.read_artifacts(
        artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["janitor"]))
    )
    assert any("MUG-1 copy" in str(artifact.data) for artifact in artifacts)
    ran = Marks(wiring.ledger.engine).at(RAN)
    assert ran is not None
    assert datetime.now(UTC) - ran < timedelta(minutes=5)

    again = await run_janitor()
    assert again.message.startswith("nothing to do")
    later = await client.read_artifacts(
        artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["janitor"]))
    )
    assert len(later) == len(artifacts), "nothing was found, so nothing is shown"


def _wish(request: Any) -> Any:
    from skuflow.ledger.attempts import Wish

    return Wish(request.fingerprint(), "offline", False)


async def test_a_concern_becomes_an_event_once_a_day(make_wiring: MakeWiring, client: PrefectClient) -> None:
    wiring = make_wiring()
    row = wiring.ledger.reserve(order("A", provider="acme"), owner="me", submitting=True)
    wiring.ledger.release(row, InsufficientBalanceError("no money", "acme"))
    first = await run_janitor()
    second = await run_janitor()
    assert "1 things told to a person" in first.message
    assert "told" not in second.message
    events = await _events(client, "skuflow.attention.provider-acme")
    assert [event["payload"]["kind"] for event in events] == ["provider"]
    assert "top it up" in events[0]["payload"]["message"]
    assert "请充值" in events[0]["payload"]["message"]


async def _events(client: PrefectClient, resource: str) -> list[dict[str, Any]]:
    body = {"filter": {"event": {"name": ["skuflow.attention"]}, "resource": {"id": [resource]}}}
    for _ in range(100):
        reply = await client._client.post("/events/filter", json=body)
        events: list[dict[str, Any]] = reply.json()["events"]
        if events:
            return events
        await asyncio.sleep(0.1)
    return []


async def test_one_step_that_fails_is_told_and_the_others_are_done(
    make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = make_wiring()
    wiring.ledger.let_go(wiring.ledger.reserve(order("A", provider="acme"), owner="me"))

    async def away(engine: Any) -> list[str]:
        raise ConnectionError("the server is away")

    monkeypatch.setattr("tasks.janitor.mark_dead_runs", away)
    state = await run_janitor()
    assert (state.name, state.is_completed()) == ("Unfinished", True)
    assert "1 jobs otherwise ended" in state.message
    assert "1 steps that could not be done" in state.message
    assert [row.state for row in wiring.ledger.iter_jobs()] == [RowState.RELEASED]


async def test_what_cannot_be_looked_at_hides_nothing_that_others_know(
    make_wiring: MakeWiring, monkeypatch: pytest.MonkeyPatch, client: PrefectClient
) -> None:
    wiring = make_wiring()
    row = wiring.ledger.reserve(order("A", provider="far"), owner="me", submitting=True)
    wiring.ledger.release(row, InsufficientBalanceError("no money", "far"))
    waiting = Marks(wiring.ledger.engine)
    mark = f"looked after waiting kits {wiring.ledger.today()}"

    def away(*_: Any) -> list[Any]:
        raise StorageError("the storage is away")

    with monkeypatch.context() as patched:
        patched.setattr("tasks.janitor.about_waiting", away)
        state = await run_janitor()
    assert "1 steps that could not be done" in state.message
    assert [one["payload"]["kind"] for one in await _events(client, "skuflow.attention.provider-far")]
    assert waiting.at(mark) is None, "they are looked after in the next round"
    await run_janitor()
    assert waiting.at(mark) is not None


@pytest.mark.usefixtures("settled")
async def test_a_run_that_cannot_be_begun_again_keeps_no_other_waiting(
    client: PrefectClient, by_hand: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [await crashed_run(client, by_hand) for _ in range(2)]
    refused = min(runs, key=lambda run: str(run.id))
    real = PrefectClient.create_flow_run_from_deployment

    async def picky(self: PrefectClient, deployment: UUID, **options: Any) -> FlowRun:
        if options.get("idempotency_key") == f"resume {refused.id}":
            raise PrefectHTTPStatusError(
                "409 Conflict: 'kits' is not what it was",
                request=httpx.Request("POST", "http://x"),
                response=httpx.Response(409),
            )
        return await real(self, deployment, **options)

    monkeypatch.setattr(PrefectClient, "create_flow_run_from_deployment", picky)
    resumed = await resume_crashed()
    assert len(resumed.done) == 1
    assert [concern.subject for concern in resumed.concerns] == [str(refused.id)]
    assert "'kits' is not what it was" in resumed.concerns[0].en
    monkeypatch.undo()
    await _forget(client, by_hand)


@pytest.mark.usefixtures("settled")
async def test_a_crashed_run_by_hand_is_begun_again_three_times_and_then_told(
    client: PrefectClient, by_hand: UUID
) -> None:
    run = await crashed_run(client, by_hand)
    for number in range(1, MOST_RESUMES + 1):
        done = await resume_crashed()
        assert [line for line in done.done if f"{number} of at most 3" in line]
        # Nothing more is done while that one has not crashed as well, whoever asks.
        assert (await resume_crashed()).done == []
        *_, newest = await stand_ins(client, run)
        assert newest.parameters == GOODS
        assert {"by-hand", f"{RESUMED_FROM}{run.id}"} <= set(newest.tags)
        await crash(client, newest)
    last = await resume_crashed()
    assert last.done == []
    assert [concern.subject for concern in last.concerns] == [str(run.id)]
    assert len(await stand_ins(client, run)) == MOST_RESUMES
    await _forget(client, by_hand)


async def test_a_crash_is_left_alone_until_both_reporters_have_spoken(
    client: PrefectClient, by_hand: UUID
) -> None:
    run = await crashed_run(client, by_hand)
    assert (await resume_crashed()).done == []
    assert await stand_ins(client, run) == []
    await _forget(client, by_hand)


@pytest.mark.usefixtures("settled")
async def test_what_was_to_be_made_again_is_left_to_a_person(client: PrefectClient, by_hand: UUID) -> None:
    kits = {"stages": ["copy"], "remake": ["A:image:1"]}
    run = await crashed_run(client, by_hand, {"products": "x.csv", "kits": kits})
    resumed = await resume_crashed()
    assert (resumed.done, [concern.subject for concern in resumed.concerns]) == ([], [str(run.id)])
    await _forget(client, by_hand)


async def test_the_one_dead_run_is_found_among_more_than_the_server_hands_out_at_once(
    make_wiring: MakeWiring, client: PrefectClient, by_hand: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_runs, "_YOUNG", timedelta(0))
    monkeypatch.setattr(dead_runs, "_PAGE_RUNS", 2)
    engine = make_wiring().ledger.engine
    gone = await asyncio.to_thread(_process_that_has_ended)
    runs = []
    for number in range(5):
        run = await client.create_flow_run_from_deployment(by_hand, parameters=GOODS)
        await client.set_flow_run_state(run.id, Running(), force=True)
        await client.update_flow_run(run.id, infrastructure_pid=gone.split("/")[3])
        runs.append((f"S{number}", run))
    for sku, run in (min(runs, key=lambda one: str(one[1].id)), max(runs, key=lambda one: str(one[1].id))):
        SkuClaims(engine, run_id=str(run.id), owner=gone).take([sku])
    assert len(await mark_dead_runs(engine)) == 2
    await _forget(client, by_hand)


async def test_a_run_without_its_process_is_called_crashed_and_no_other(
    make_wiring: MakeWiring, client: PrefectClient, by_hand: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_runs, "_YOUNG", timedelta(0))
    engine = make_wiring().ledger.engine
    gone = await asyncio.to_thread(_process_that_has_ended)
    runs = []
    for sku, owner, pid in (("A", gone, gone.split("/")[3]), ("B", None, str(os.getpid()))):
        run = await client.create_flow_run_from_deployment(by_hand, parameters=GOODS)
        await client.set_flow_run_state(run.id, Running(), force=True)
        await client.update_flow_run(run.id, infrastructure_pid=pid)
        SkuClaims(engine, run_id=str(run.id), owner=owner).take([sku])
        runs.append(run)
    assert len(await mark_dead_runs(engine)) == 1
    states = [(await client.read_flow_run(run.id)).state for run in runs]
    assert [state.is_crashed() for state in states if state is not None] == [True, False]
    assert states[0] is not None
    assert "Nothing is lost" in (states[0].message or "")
    await _forget(client, by_hand)


async def test_runs_that_were_taken_and_never_began_are_called_crashed(
    make_wiring: MakeWiring, client: PrefectClient, by_hand: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect counts them as running: of the janitor's own, two keep the next ones from beginning for ever."""
    engine = make_wiring().ledger.engine
    upkeep = await client.create_deployment(await client.create_flow(janitor), "janitor")
    others = await client.create_deployment(await client.create_flow_from_name("somebody else's"), "theirs")
    runs = [await client.create_flow_run_from_deployment(one) for one in (by_hand, upkeep, others)]
    for run in runs:
        await client.set_flow_run_state(run.id, Pending(), force=True)
        # A worker notes it before the process has said anything.
        await client.update_flow_run(run.id, infrastructure_pid="4711")

    assert await mark_dead_runs(engine) == []
    monkeypatch.setattr(dead_runs, "PENDING_FOR", timedelta(0))
    assert len(await mark_never_begun()) >= 2
    states = [(await client.read_flow_run(run.id)).state for run in runs]
    assert [state.is_crashed() for state in states if state is not None] == [True, True, False]

    await client.set_flow_run_state(runs[1].id, Pending(), force=True)
    assert len(await mark_dead_runs(engine)) == 1
    for deployment in (by_hand, upkeep, others):
        await _forget(client, deployment)


@pytest.mark.usefixtures("settled")
async def test_a_weekly_run_that_crashed_is_begun_again(client: PrefectClient) -> None:
    weekly = await client.create_deployment(
        await client.create_flow(top_videos), "weekly", tags=["scheduled"], parameter_openapi_schema={}
    )
    run = await client.create_flow_run_from_deployment(
        weekly, parameters={"top_n": 3}, tags=["scheduled", "auto-scheduled", "top-videos-day:2"]
    )
    await crash(client, run)
    assert len((await resume_crashed()).done) == 1
    (again,) = await stand_ins(client, run)
    assert (again.deployment_id, again.parameters) == (weekly, {"top_n": 3})
    assert {"scheduled", "top-videos-day:2"} <= set(again.tags)
    assert "auto-scheduled" not in again.tags
    await _forget(client, weekly)


def _process_that_has_ended() -> str:
    script = "from skuflow.ledger.owners import this_process; print(this_process())"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return told.stdout.strip()


async def _forget(client: PrefectClient, deployment: UUID) -> None:
    """The session's server is shared: what is left running or crashed here would be found by the next test."""
    from prefect.client.schemas.filters import FlowRunFilterDeploymentId

    mine = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
    for run in await client.read_flow_runs(flow_run_filter=mine):
        await client.set_flow_run_state(run.id, Completed(), force=True)


def test_doctor_says_when_a_janitor_ran(make_wiring: MakeWiring, capsys: pytest.CaptureFixture[str]) -> None:
    wiring = make_wiring()
    Marks(wiring.ledger.engine, clock=lambda: datetime.now(UTC) - timedelta(hours=3)).set(RAN)
    examine(wiring.settings, None, False)
    assert "!    janitor: ran last 3 h ago" in capsys.readouterr().out
