"""What the janitor does, a task each. None of them asks a vendor to make anything."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prefect import task
from prefect.artifacts import acreate_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.events import Event
from prefect.events.clients import get_events_client

from skuflow.batches.batches import Batches
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import bucket_of
from skuflow.housekeeping.attention import (
    about_arrivals,
    about_batches,
    about_jobs,
    about_notices,
    about_waiting,
)
from skuflow.housekeeping.cleaning import Cleaned, clean
from skuflow.housekeeping.concerns import (
    ATTENTION_EVENT,
    Concern,
    not_told_yet,
    telling_failed,
    were_told,
)
from skuflow.housekeeping.left_jobs import PATIENCE, Looked, collect_left_behind, left_behind
from skuflow.housekeeping.marks import RAN, Marks
from skuflow.housekeeping.report import Report
from skuflow.housekeeping.room import about_room, folders_of
from skuflow.jobs.contract import Provider
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.redaction import redacted
from skuflow.notices.outbox import Outbox
from skuflow.settings import SettingsError
from tasks.dead_runs import Resumed, mark_dead_runs, resume_crashed
from tasks.showing import show
from tasks.wiring import STUDIO, Wiring, current

_log = logging.getLogger(__name__)


@task(name="mark-dead-runs", cache_policy=NO_CACHE)
async def call_dead_runs_dead() -> list[str]:
    """Runs without a process are called Crashed, so that what they occupy is free; a sentence each."""
    engine = current().ledger.engine
    await asyncio.to_thread(Batches(engine).stop_abandoned)
    return await mark_dead_runs(engine)


@task(name="collect-jobs", cache_policy=NO_CACHE)
async def collect_jobs() -> tuple[list[Looked], int]:
    """Unfinished jobs that nobody works on are brought to an end; also how many there was no time for."""
    return await collect_with(current())


async def collect_with(wiring: Wiring, pace: Pace = PATIENCE) -> tuple[list[Looked], int]:
    rows = await asyncio.to_thread(left_behind, wiring.ledger, utc_now())
    runner = Runner(
        wiring.ledger, wiring.store, pace=pace, provider_named=lambda name: _provider(wiring, name)
    )
    try:
        looked = await collect_left_behind(runner, rows, wiring.provider_named(STUDIO))
    finally:
        runner.close()
    return looked, len(rows) - len(looked)


@task(name="resume-runs", cache_policy=NO_CACHE)
async def resume_runs() -> Resumed:
    """Runs that crashed, by hand or the weekly one, are started again."""
    return await resume_crashed()


@task(name="clean", cache_policy=NO_CACHE)
async def clean_once_a_day() -> list[Cleaned]:
    """Old things are taken away, on each machine once a day."""
    wiring = current()
    mark = f"cleaned {wiring.ledger.today()} {socket.gethostname()}"
    if not await asyncio.to_thread(_marks(wiring).take, mark):
        return []
    home, store, engine = wiring.settings.skuflow_home, wiring.store, wiring.ledger.engine
    return await asyncio.to_thread(clean, home, store, engine, utc_now())


@dataclass
class Found:
    """``concerns``: what a person must see, told before or not. ``troubles``: what could not be looked for, a sentence
    each. ``after_waiting``: waiting kits were looked after, which is done once a day.
    """

    concerns: list[Concern] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    after_waiting: bool = False


async def find_concerns(looked: Sequence[Looked]) -> Found:
    """Looked for in one place after the other: what cannot be asked hides nothing that others know."""
    return await asyncio.to_thread(_concerns, current(), list(looked), utc_now())


@task(name="tell", cache_policy=NO_CACHE)
async def tell(concerns: Sequence[Concern], after_waiting: bool = False) -> list[Concern]:
    """Raise an event for what nobody was told of today; those for which one was raised."""
    wiring = current()
    marks, day = _marks(wiring), wiring.ledger.today()
    new = await asyncio.to_thread(not_told_yet, concerns, marks, day)
    try:
        if new:
            async with get_events_client(reconnection_attempts=2, checkpoint_every=1) as client:
                for concern in new:
                    await client.emit(_event(concern))
    except BaseException:
        await asyncio.to_thread(telling_failed, new, marks, day)
        raise
    await asyncio.to_thread(were_told, new, marks, day)
    if after_waiting:
        # Only now: what a janitor that was killed had found would be looked for tomorrow.
        await asyncio.to_thread(marks.set, _waiting_mark(wiring))
    return new


@task(name="report", cache_policy=NO_CACHE)
async def leave_report(text: str) -> None:
    """The artifact ``janitor``."""
    await show(
        acreate_markdown_artifact(
            key="janitor", markdown=text, description="what was found and done 发现与处理的事项"
        )
    )


async def note_end(wiring: Wiring, report: Report) -> None:
    """Leave the artifact where there is something to show, and the moment for who asks when a janitor ran last."""
    if not report.is_empty:
        await leave_report(redacted(report.markdown()))
    await asyncio.to_thread(_marks(wiring).set, RAN)


def _concerns(wiring: Wiring, looked: list[Looked], now: datetime) -> Found:
    ledger, settings = wiring.ledger, wiring.settings

    def arrived() -> list[Concern]:
        book = ArrivalBook(ledger.engine, bucket_of(settings), settle_s=settings.skuflow_settle_s)
        return about_arrivals(book, now)

    places: dict[str, Callable[[], list[Concern]]] = {
        "jobs": lambda: about_jobs(ledger, looked, now),
        "arrivals": arrived,
        "batches": lambda: about_batches(ledger.engine, now),
        "disks": lambda: about_room(folders_of(settings)),
    }
    if settings.webhook() is not None:
        places["notices"] = lambda: about_notices(Outbox(ledger.engine), now)
    found = Found()
    # A note of storage is read for each waiting kit.
    found.after_waiting = _marks(wiring).at(_waiting_mark(wiring)) is None
    if found.after_waiting:
        places["waiting kits"] = lambda: about_waiting(ledger, wiring.store, now)
    for what, look in places.items():
        try:
            found.concerns.extend(look())
        except Exception as error:
            _log.warning("concerns about %s could not be looked for", what, exc_info=True)
            said = redacted(" ".join(f"{type(error).__name__}: {error}".split()))
            found.troubles.append(f"look for concerns about {what} 查找人工事项: {said}")
            found.after_waiting = found.after_waiting and what != "waiting kits"
    return found


def _waiting_mark(wiring: Wiring) -> str:
    return f"looked after waiting kits {wiring.ledger.today()}"


def _event(concern: Concern) -> Event:
    return Event(
        event=ATTENTION_EVENT,
        resource={
            "prefect.resource.id": f"{ATTENTION_EVENT}.{concern.slug}",
            "prefect.resource.name": concern.subject,
        },
        payload={
            "message": redacted(concern.message),
            "subject": concern.subject,
            "kind": concern.kind.value,
        },
    )


def _marks(wiring: Wiring) -> Marks:
    return Marks(wiring.ledger.engine)


def _provider(wiring: Wiring, name: str) -> Provider | None:
    """None where this configuration cannot reach it."""
    try:
        return wiring.provider_named(name)
    except SettingsError:
        return None
