"""One seed from beginning to end: vendors in this process, the work in others that are killed, and calm at the end."""

from __future__ import annotations

import json
import math
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import Fault, FaultScript
from providers.emulators.core.http import Answer, Incoming, running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import RowState
from skuflow.settings import read_settings
from tests.contract.chaos.child import CALL_HEADER, FastClock, Orders, fill, processes, work
from tests.contract.chaos.scenario import SKUS, SPEED, Death, Scenario
from tests.contract.chaos.weather import weather
from tests.contract.vendors import EMULATOR_OF

_GIANT_BYTES = 3_000_000
_LONGEST_RUN_S = 60.0
_CALM_RUNS = 8
_WAIT_S = 250.0
_CALM_WAIT_S = 600.0
_caller: ContextVar[str] = ContextVar("caller", default="")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A piece of work that a vendor took on, and the submit (job key, then "#" and a number) that brought it.

    ``amount`` in CNY is what the vendor charges in the end. ``is_job``: it is worked on after the answer.
    """

    vendor: str
    job_id: str
    call: str
    amount: Decimal
    is_job: bool

    @property
    def key(self) -> str:
        return self.call.partition("#")[0]


class WatchedVendor:
    """An emulator that remembers which submit brought each entry of its bill."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.taken: Counter[tuple[str, Fault]] = Counter()
        self._calls: list[tuple[str, str]] = []
        answer, charge = emulator.answer, emulator.bill.charge

        async def named_answer(request: Incoming) -> Answer:
            token = _caller.set(request.headers.get(CALL_HEADER, ""))
            try:
                return await answer(request)
            finally:
                _caller.reset(token)

        def named_charge(*, job_id: str, **entry: Any) -> None:
            self._calls.append((job_id, _caller.get()))
            charge(job_id=job_id, **entry)

        # Instance attributes: the emulator's parts hold on to the bill, and the server to the emulator.
        emulator.answer = named_answer  # type: ignore[method-assign]
        emulator.bill.charge = named_charge  # type: ignore[method-assign]

    def accepted(self) -> Iterator[Accepted]:
        amounts = self.emulator.bill.by_job()
        for job_id, call in self._calls:
            is_job = self.emulator.jobs.get(job_id) is not None and not _at_once(self.emulator, job_id)
            yield Accepted(self.emulator.name, job_id, call, amounts[job_id], is_job)

    def calm(self) -> None:
        """From now on nothing goes wrong."""
        self.taken.update(self.emulator.faults.taken)
        self.emulator.faults = FaultScript()


def _at_once(emulator: Emulator, job_id: str) -> bool:
    """Whether the vendor answered with the result: Ark's pictures are jobs in its book all the same."""
    job = emulator.jobs.get(job_id)
    return emulator.name == "ark" and job is not None and job.kind == "image"


@dataclass
class Story:
    """What happened: everything that the verdicts are passed on."""

    scenario: Scenario
    orders: Orders
    vendors: Mapping[str, WatchedVendor]
    diary: list[dict[str, Any]] = field(default_factory=list)
    kills: int = 0
    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    troubles: list[str] = field(default_factory=list)
    settled_down: bool = False


@cache
def _media() -> Media:
    media = Media(tiny=True)
    # The first clip of a process takes seconds, which no client would wait for at this speed.
    media.clip((64, 64), 1.0)
    media.picture((64, 64))
    return media


@contextmanager
def vendors_of(scenario: Scenario) -> Iterator[tuple[dict[str, WatchedVendor], dict[str, Any]]]:
    """The emulators that the scenario's providers need, running; and the settings that lead to them."""
    found: dict[str, WatchedVendor] = {}
    settings: dict[str, Any] = {}
    with ExitStack() as stack:
        for name in dict.fromkeys(EMULATOR_OF[provider] for provider in scenario.line.names):
            assert name is not None
            options: Mapping[str, Any] = {"kling": scenario.kling, "ark": scenario.ark}.get(name, {})
            make = import_module(f"providers.emulators.{name}").make
            emulator: Emulator = make(Timing(speed=SPEED), media=_media(), **options)
            emulator.faults = weather(
                scenario.seed,
                name,
                also=(scenario.line.also or {}).get(name, ()),
                without=_denials(scenario) if name == "kling" else (),
            )
            emulator.shelf.giant_bytes = _GIANT_BYTES
            found[name] = WatchedVendor(emulator)
            base_url = stack.enter_context(running(emulator))
            environment = emulator.environment(base_url)
            if name == "kling" and scenario.line.signed_kling:
                key = {"KLING_ACCESS_KEY": emulator.access_key, "KLING_SECRET_KEY": emulator.secret_key}  # type: ignore[attr-defined]
                environment = {**environment, "KLING_API_KEY": "", **key}
            settings |= {variable.lower(): value for variable, value in environment.items()}
        yield found, settings


def _denials(scenario: Scenario) -> tuple[tuple[str, Fault], ...]:
    """A vendor that takes a second job under a known name, and denies the first one, cannot be seen through."""
    return (("find", Fault.EXPIRED_JOB),) if scenario.kling["duplicate_external_id"] == "accept" else ()


def play(scenario: Scenario, folder: Path, database_url: str) -> Iterator[Story]:
    """Rounds of work and death, then calm runs until nothing changes any more. Yields the story while its vendors are
    still there to be asked.
    """
    with vendors_of(scenario) as (vendors, addresses):
        fill(folder / "home" / "storage")
        settings = {
            "skuflow_home": folder / "home",
            "skuflow_text_detection": "off",
            "skuflow_database_url": database_url,
            "skuflow_providers": scenario.line.providers,
            "skuflow_models": scenario.line.models,
            "skuflow_caps": scenario.caps,
            "skuflow_budget": scenario.budget,
            "skuflow_http_timeout_s": 1.0,
            "skuflow_workers": 1,
            **addresses,
        }
        orders = Orders(
            settings,
            scenario.line.names,
            folder / "diary.jsonl",
            scenario.starts_at,
            time.time(),
            SKUS,
            scenario.skus_at_once,
            _WAIT_S,
        )
        story = Story(scenario, orders, vendors)
        for blow in scenario.blows:
            _run(story, replace(orders, skus=blow.skus), blow.deaths)
        for vendor in vendors.values():
            vendor.calm()
            for (place, fault), count in vendor.taken.items():
                story.faults[f"{place}:{fault}"] += count
        calm = replace(orders, settings={**settings, "skuflow_http_timeout_s": 10.0}, wait_s=_CALM_WAIT_S)
        before: list[Standing] = []
        for _ in range(_CALM_RUNS):
            _run(story, calm, (None,) * scenario.at_once)
            after = _standing(story)
            if after == before and not any(_goes_on(story, row) for row in after):
                story.settled_down = True
                break
            before = after
        story.diary = _read(orders.log)
        yield story


def _run(story: Story, orders: Orders, deaths: Sequence[Death | None]) -> None:
    """As many processes at once as there are deaths; None: it may live to its end."""
    began_s = time.monotonic()
    children: list[tuple[float, Death | None, ForkServerProcess]] = []
    for death in deaths:
        process = processes.Process(target=work, args=(orders, death))
        process.start()
        story.runs += 1
        children.append((death.after_s if death else _LONGEST_RUN_S, death, process))
    for after_s, death, process in sorted(children, key=lambda child: child[0]):
        process.join(max(0.0, began_s + after_s - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join()
            if death is None:
                story.troubles.append(f"a run without faults did not end within {_LONGEST_RUN_S:g} s")
        if process.exitcode == -signal.SIGKILL:
            story.kills += 1
        elif process.exitcode != 0:
            story.troubles.append(f"a process ended with {process.exitcode}")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job stands, as far as calm runs could still change it."""

    job_id: str
    state: RowState
    settled_micro: int
    provider: str
    vendor_job_id: str


def _standing(story: Story) -> list[Standing]:
    ledger = open_ledger(story.orders)
    try:
        return [
            Standing(row.id, row.state, row.settled_micro, row.provider, row.vendor_job_id)
            for row in ledger.iter_jobs()
        ]
    finally:
        ledger.close()


def _goes_on(story: Story, row: Standing) -> bool:
    """Whether a calm run must get further with the job: on a busy machine one may run out of time."""
    if row.state is RowState.IN_DOUBT:
        return row.provider == "kling"
    if row.state is not RowState.SUBMITTED:
        return row.state.is_live
    job = story.vendors[EMULATOR_OF[row.provider] or ""].emulator.jobs.get(row.vendor_job_id)
    return job is None or math.isfinite(job.ends_at_s)


def open_ledger(orders: Orders) -> Ledger:
    """The ledger of a rehearsal as somebody sees it who stays alive, with the limits that are set."""
    settings = read_settings(orders.settings)
    limits = Limits(
        rules=tuple(CapRule(cap.provider, cap.capability, cap.limit) for cap in settings.caps()),
        budget=Budget(settings.budget_micro()),
        zone=settings.zone,
    )
    return Ledger.open(
        settings.database_url, limits=limits, clock=FastClock(orders.starts_at, orders.began_at)
    )


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
