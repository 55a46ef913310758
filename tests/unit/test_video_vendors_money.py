"""The runner, the ledger and the video vendors' emulators together: what is paid is what is billed, once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault
from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.hailuo.emulator import HailuoEmulator
from providers.emulators.kling import KlingEmulator
from providers.hailuo import build as build_hailuo
from providers.kling import build as build_kling
from skuflow.jobs.contract import Provider, VideoRequest
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.rows import JobRow, RowState
from skuflow.storage.folder import FolderStore
from tests.money import Clock, open_ledger
from tests.unit.video_wishes import video_wish, workplace


class Scene:
    """One vendor on the runner's own clock: sleeping is what lets jobs come to an end."""

    def __init__(self, folder: Path, emulator: Emulator, provider: Provider, clock: Clock) -> None:
        self.emulator, self._provider = emulator, provider
        self._store = FolderStore(folder / "storage")
        self._ledger = open_ledger(folder, clock=clock)
        self._runner = Runner(
            self._ledger, self._store, clock=clock, sleep=clock.sleep, owner="me", jitter=lambda: 1.0
        )

    async def run(self, model: str, **more: Any) -> tuple[Outcome, JobRow]:
        wish: VideoRequest = video_wish(self._store, model=model, **more)
        outcome = await self._runner.run(wish, self._provider)
        return outcome, self._ledger.find_slots([wish.slot.key()])[wish.slot.key()]

    @property
    def submits(self) -> int:
        return sum(seen.place == "submit" for seen in self.emulator.seen)

    def close(self) -> None:
        self._runner.close()


class ClockOfOthers(Clock):
    """Who waits for a place waits for a thread, which does not sleep on this clock: it is given time of the world."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await asyncio.sleep(0.05)


@contextmanager
def scene(folder: Path, name: str, *, clock: Clock | None = None, **options: Any) -> Iterator[Scene]:
    clock = clock or Clock()
    common: dict[str, Any] = {
        "timing": Timing(now=lambda: clock().timestamp()),
        "media": Media(tiny=True),
        **options,
    }
    emulator: Emulator = KlingEmulator(**common) if name == "kling" else HailuoEmulator(**common)
    with running(emulator) as url:
        keys = {variable.lower(): value for variable, value in emulator.environment(url).items()}
        place = workplace(folder, skuflow_http_timeout_s=20.0, **keys)
        provider = build_kling(place) if name == "kling" else build_hailuo(place)
        on_stage = Scene(folder, emulator, provider, clock)
        try:
            yield on_stage
        finally:
            on_stage.close()


@pytest.mark.parametrize(
    ("name", "model"),
    [("kling", ""), ("kling", "kling-v2-6@1080p"), ("hailuo", ""), ("hailuo", "MiniMax-Hailuo-2.3")],
)
async def test_a_calm_run_settles_the_bill(tmp_path: Path, name: str, model: str) -> None:
    with scene(tmp_path, name) as on:
        outcome, row = await on.run(model)
        assert outcome.state is OutcomeState.MADE
        assert row.settled_micro == row.estimated_micro == on.emulator.bill.total_micro() > 0
        again, _ = await on.run(model)
        assert again.reused
        assert on.submits == 1


async def test_klings_own_figure_is_settled(tmp_path: Path) -> None:
    with scene(tmp_path, "kling", list_price_factor=Decimal("0.9")) as on:
        _, row = await on.run("")
        assert row.settled_micro == on.emulator.bill.total_micro() == row.estimated_micro * 9 // 10


@pytest.mark.parametrize("model", ["", "kling-v2-6"])
@pytest.mark.parametrize(
    ("fault", "submits"),
    [
        (Fault.RESET_BEFORE, 2),
        (Fault.HTML_500, 2),
        (Fault.RESET_AFTER, 1),
        (Fault.LOST_REPLY, 1),
        (Fault.HTML_502_AFTER, 1),
        (Fault.MALFORMED_AFTER, 1),
        (Fault.SERVER_BUSY, 2),
        (Fault.THROTTLE, 2),
        (Fault.THROTTLE_PARALLEL, 2),
    ],
)
async def test_kling_is_paid_once_whatever_happens_to_the_reply(
    tmp_path: Path, model: str, fault: Fault, submits: int
) -> None:
    clock = ClockOfOthers() if fault is Fault.THROTTLE_PARALLEL else Clock()
    with scene(tmp_path, "kling", clock=clock) as on:
        on.emulator.faults.add(fault, "submit")
        outcome, row = await on.run(model)
        assert outcome.state is OutcomeState.MADE, outcome.reason
        assert row.state is RowState.SETTLED
        assert row.settled_micro == on.emulator.bill.total_micro() > 0
        assert row.model == (model or "kling-3.0")
        assert on.submits == submits
        assert len(on.emulator.bill.entries) == 1


@pytest.mark.parametrize("model", ["", "MiniMax-Hailuo-2.3"])
@pytest.mark.parametrize(
    "fault", [Fault.RESET_AFTER, Fault.LOST_REPLY, Fault.HTML_502_AFTER, Fault.MALFORMED_AFTER]
)
async def test_a_lost_reply_of_hailuo_holds_its_price(tmp_path: Path, model: str, fault: Fault) -> None:
    with scene(tmp_path, "hailuo") as on:
        on.emulator.faults.add(fault, "submit")
        for _ in range(2):
            outcome, row = await on.run(model)
            assert outcome.state is OutcomeState.WAITING
            assert row.state is RowState.IN_DOUBT
            assert row.held_micro >= on.emulator.bill.total_micro() > 0
        assert on.submits == 1


@pytest.mark.parametrize("name", ["kling", "hailuo"])
@pytest.mark.parametrize("fault", [Fault.ARREARS, Fault.QUOTA_USED_UP, Fault.AUTH, Fault.REJECT_CREATE])
async def test_a_refusal_costs_nothing(tmp_path: Path, name: str, fault: Fault) -> None:
    with scene(tmp_path, name) as on:
        on.emulator.faults.add(fault, "submit")
        outcome, row = await on.run("")
        assert outcome.state is OutcomeState.FAILED
        assert (row.state, row.held_micro, row.settled_micro) == (RowState.RELEASED, 0, 0)
        assert on.submits == 1
        assert not on.emulator.bill.entries


@pytest.mark.parametrize("name", ["kling", "hailuo"])
@pytest.mark.parametrize("fault", [Fault.REJECT_END, Fault.FAIL_END, Fault.FAIL_AS_SUCCESS])
async def test_a_job_that_ends_badly_settles_what_is_billed(tmp_path: Path, name: str, fault: Fault) -> None:
    with scene(tmp_path, name) as on:
        on.emulator.faults.add(fault, "submit")
        outcome, row = await on.run("")
        assert outcome.state is OutcomeState.FAILED
        assert (row.state, row.settled_micro) == (RowState.FAILED, on.emulator.bill.total_micro())


@pytest.mark.parametrize("name", ["kling", "hailuo"])
@pytest.mark.parametrize("place", ["poll", "download"])
async def test_trouble_on_the_way_back_is_waited_out(tmp_path: Path, name: str, place: str) -> None:
    with scene(tmp_path, name) as on:
        for fault in (Fault.RESET_BEFORE, Fault.HTML_500, Fault.LOST_REPLY):
            on.emulator.faults.add(fault, place)
        if place == "download":
            on.emulator.faults.add(Fault.TRUNCATED, place)
            on.emulator.faults.add(Fault.CORRUPT, place)
        outcome, row = await on.run("")
        assert outcome.state is OutcomeState.MADE, outcome.reason
        assert row.settled_micro == on.emulator.bill.total_micro() > 0
