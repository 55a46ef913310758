"""The one way to have a vendor make something: at most once per slot, through crashes, caps and lost
replies.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from skuflow.jobs.account_places import AccountPlaces
from skuflow.jobs.contract import Capability, MicroCNY, Preparing, Provider, Request
from skuflow.jobs.drive import Drive
from skuflow.jobs.errors import ProviderError
from skuflow.jobs.ledger_calls import LedgerCalls
from skuflow.jobs.lost_answers import LastingWrites
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason, reason_for
from skuflow.jobs.surroundings import Pace, Surroundings
from skuflow.jobs.traffic import Lane, Traffic
from skuflow.ledger.attempts import Step, Wish, next_step, remade_by, remake_name
from skuflow.ledger.duplicate_guard import CODE
from skuflow.ledger.errors import (
    AttemptRefusedError,
    BudgetReachedError,
    CapReachedError,
    DuplicateStoppedError,
    SlotBusyError,
    SlotTakenError,
    StaleFenceError,
)
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.ledger.owners import this_process
from skuflow.ledger.reservation import Reservation
from skuflow.ledger.rows import JobRow, RowState
from skuflow.storage.objects import ObjectStore

_ROUNDS = 4
"""How often a slot may turn out to have moved on before this call leaves it to whoever is moving it."""

_MAX_SUMMARY_CHARS = 500


def _around_one() -> float:
    return random.uniform(0.85, 1.15)


class Runner:
    """Runs requests against providers with every step in the ledger.

    ``owner`` names this process (default: host, pid and start). ``repeatable_below_micro``: copy whose
    estimate is below this is asked for again, once per call, when its first job is in doubt; 0 switches that
    off. ``provider_named`` finds the provider of a job that an earlier run left with another provider than
    the one at hand. ``run_id`` is written to new jobs and may be changed between calls. One runner serves any number
    of concurrent calls on one event loop.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: ObjectStore,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        owner: str | None = None,
        pace: Pace | None = None,
        repeatable_below_micro: MicroCNY = 0,
        provider_named: Callable[[str], Provider | None] = lambda name: None,
        jitter: Callable[[], float] = _around_one,
        run_id: str = "",
        rung: Callable[[str, str], bool] | None = None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._owner = owner or this_process()
        self._repeatable_below_micro = repeatable_below_micro
        self._provider_named = provider_named
        self.run_id = run_id
        self._calls = LedgerCalls(in_parallel=ledger.writes_in_parallel)
        places = AccountPlaces(ledger.engine, owner=self._owner, clock=clock, sleep=sleep)
        self._traffic = Traffic(clock=clock, sleep=sleep, places=places)
        self._around = Surroundings(
            ledger=ledger,
            calls=self._calls,
            writes=LastingWrites(ledger, self._calls, sleep),
            store=store,
            clock=clock,
            sleep=sleep,
            jitter=jitter,
            pace=pace or Pace(),
            rung=rung,
        )

    def close(self) -> None:
        """Give the threads back; the ledger stays open."""
        self._traffic.close()
        self._calls.close()

    async def run(
        self,
        request: Request,
        provider: Provider,
        *,
        remake: bool = False,
        known: JobRow | None = None,
    ) -> Outcome:
        """Have the slot's part made, or say why not (yet).

        A finished part is reused, an unfinished job is gone on with, and only otherwise is the provider
        asked. ``known``: the slot's row, where the caller has read many at once with ``find_slots``; it may be
        out of date.

        ``remake`` makes the finished part ``known`` again, on purpose; an unfinished job is finished first, and
        then counts as the remake. It replaces ``known`` and nothing that has been made since, so that a second
        call with the same ``known`` reuses the remade part or goes on with its job. Without ``known`` there is
        nothing to replace, and a part that is there is reused.

        Vendors' errors, caps and budgets are outcomes. Raises what storage and database raise, and what
        should not happen; after any of these, and after a cancellation, another call goes on where this one
        stopped.
        """
        target = remade_by(known) if remake else None
        wish = Wish(
            request.fingerprint(), provider.name, provider.paid, target is not None, target, request.rewritten
        )
        row = known
        may_repeat = True
        step: Outcome | JobRow | None
        for _ in range(_ROUNDS):
            verdict = next_step(row, wish)
            if row is not None and verdict.step is Step.REFUSE:
                return Outcome(OutcomeState.FAILED, Reason(verdict.code, verdict.sentence), row, reused=True)
            if row is not None and verdict.step is Step.REUSE:
                return await self._reuse(row, wish)
            past_doubt = row is not None and may_repeat and self._is_repeatable(row, request)
            if row is None or verdict.step is Step.ATTEMPT or past_doubt:
                may_repeat = may_repeat and not past_doubt
                step = await self._attempt(request, provider, wish, known, past_doubt=past_doubt)
            else:
                step = await self._resume(row, request, provider)
            if isinstance(step, Outcome):
                row = step.job
                if row is None or not self._goes_on(step, row, wish, request, may_repeat=may_repeat):
                    return self._noting_stale(step, wish)
            else:
                row = step
        return Outcome(
            OutcomeState.WAITING,
            Reason(
                "SLOT_BUSY", f"{request.slot.part} of {request.slot.sku} is being made elsewhere; run again"
            ),
            row,
            reused=True,
        )

    async def collect(self, row: JobRow, provider: Provider) -> Outcome:
        """Go on with a live or in-doubt job from its row alone: fetch what is there, submit nothing.

        A job that was never submitted, or that the vendor proves not to have, is released.
        """
        outcome = await self._resume(row, None, provider)
        if isinstance(outcome, Outcome):
            return outcome
        return Outcome(
            OutcomeState.WAITING,
            Reason("SLOT_BUSY", f"job {row.id} has moved on since it was read"),
            outcome,
            reused=True,
        )

    async def _attempt(
        self, request: Request, provider: Provider, wish: Wish, known: JobRow | None, *, past_doubt: bool
    ) -> Outcome | JobRow:
        """A new attempt on the slot; the slot's row if somebody else was faster."""
        try:
            order = self._order(request, provider, wish)
            lane = self._traffic.lane(provider, request)
        except ProviderError as error:
            return Outcome(OutcomeState.FAILED, reason_for(error), reused=True)
        if not lane.breaker.lets_pass():
            return _circuit_open(provider.name, lane)
        drive: Drive | None = None
        try:
            if isinstance(provider, Preparing) and await self._calls(self._has_room, order):
                try:
                    await provider.prepare(request)
                except ProviderError as error:
                    state = OutcomeState.WAITING if error.retryable else OutcomeState.FAILED
                    return Outcome(state, reason_for(error), reused=True)
            await lane.enter()
            # Before the job is written: whoever is stopped while waiting has asked for nothing.
            await lane.gate.turn()
            job = await self._around.writes.reserve(
                order,
                owner=self._owner,
                remake=wish.remake,
                known=known if wish.remake else None,
                submitting=True,
                past_doubt=past_doubt,
            )
            drive = Drive(self._around, provider, job, request, lane)
            return await drive.begin()
        except AttemptRefusedError as refused:
            return Outcome(
                OutcomeState.FAILED, Reason(refused.code, refused.sentence), refused.row, reused=True
            )
        except SlotTakenError as taken:
            return taken.row
        except DuplicateStoppedError as stopped:
            return await self._stopped(stopped, wish, known)
        except CapReachedError as error:
            return _until(error.resets_at, "CAP_REACHED", error)
        except BudgetReachedError as error:
            return _until(error.resets_at, "BUDGET_REACHED", error)
        finally:
            # However it ended: a trial that nobody hands on would keep the breaker open for good.
            if drive is None or not drive.has_heard:
                lane.breaker.gave_up()
            lane.leave()

    async def _stopped(self, stopped: DuplicateStoppedError, wish: Wish, known: JobRow | None) -> Outcome:
        """What was made before, where there is something; else the reason to wait."""
        reason = Reason(CODE, stopped.sentence)
        if known is not None and known.state is RowState.SETTLED:
            kept = await self._reuse(known, wish)
            if kept.state is OutcomeState.MADE:
                return replace(kept, reason=reason)
        return Outcome(OutcomeState.WAITING, reason, reused=True, resume_after=stopped.until)

    def _has_room(self, order: Reservation) -> bool:
        """Whether the cap and the budget of the day leave anything at all: where not, nothing need be prepared."""
        units = self._ledger.cap_use(order.provider, order.capability, paid=order.paid).left
        money = self._ledger.budget_use().left_micro
        return units != 0 and (money is None or money >= order.estimated_micro)

    def _order(self, request: Request, provider: Provider, wish: Wish) -> Reservation:
        summary = request.identity()
        if prompt := getattr(request, "prompt", ""):
            summary["prompt"] = prompt[:_MAX_SUMMARY_CHARS]
        if request.rewritten:
            summary["rewritten"] = True
        return Reservation(
            slot=request.slot,
            capability=request.capability.value,
            provider=provider.name,
            model=provider.model_for(request),
            paid=provider.paid,
            fingerprint=wish.fingerprint,
            estimated_micro=provider.estimate(request),
            units=request.units,
            request_summary=summary,
            run_id=self.run_id,
            look=request.look(),
        )

    async def _resume(
        self, row: JobRow, request: Request | None, provider: Provider
    ) -> Outcome | JobRow | None:
        """Go on with a job; its slot's newest row if it has moved on since it was read."""
        maker = provider if row.provider == provider.name else self._provider_named(row.provider)
        if maker is None and row.state is RowState.RESERVED:
            return await self._give_back(row, provider)
        if maker is None:
            return _left_alone(row, f"its provider {row.provider} is not configured")
        if row.state is RowState.IN_DOUBT and not await self._may_be_cleared(row, maker):
            return _left_alone(row, f"{row.provider} has no way to look a job up")
        try:
            job = await self._calls(self._ledger.take_over, row, owner=self._owner)
        except SlotBusyError as busy:
            return Outcome(
                OutcomeState.WAITING,
                Reason("SLOT_BUSY", str(busy)),
                busy.row,
                reused=True,
                resume_after=busy.until,
            )
        except StaleFenceError:
            slots = await self._calls(self._ledger.find_slots, [row.slot_key])
            return slots.get(row.slot_key)
        if request is None or maker is not provider:
            return await Drive(self._around, maker, job, None).resume()
        lane = self._traffic.lane(maker, request)
        asked_for = request if _is_what_is_held(job, request, maker) else None
        lane.enter_by_right()
        try:
            return await Drive(self._around, maker, job, asked_for, lane).resume()
        finally:
            lane.leave()

    async def _give_back(self, row: JobRow, anyone: Provider) -> Outcome | JobRow | None:
        """Release a reservation whose provider cannot be reached from here: no vendor was asked, so none is needed."""
        try:
            job = await self._calls(self._ledger.take_over, row, owner=self._owner)
            if job.state is RowState.RESERVED:
                return await Drive(self._around, anyone, job, None).resume()
            # It has moved on since it was read, and only its own vendor knows how far.
            return await self._calls(self._ledger.let_go, job)
        except SlotBusyError as busy:
            return _left_alone(busy.row, str(busy))
        except StaleFenceError:
            return (await self._calls(self._ledger.find_slots, [row.slot_key])).get(row.slot_key)

    @staticmethod
    async def _may_be_cleared(row: JobRow, maker: Provider) -> bool:
        """Whether looking the job up can lead anywhere: its vendor knows, or its answer was kept after all."""
        if maker.can_find or not (maker.paid or row.paid):
            return True
        try:
            return await maker.find(row.key) is not None
        except ProviderError:
            return False

    async def _reuse(self, row: JobRow, wish: Wish) -> Outcome:
        missing = await asyncio.to_thread(self._missing_objects, row)
        if missing:
            return Outcome(
                OutcomeState.FAILED,
                Reason(
                    "RESULT_MISSING",
                    f"{missing[0]} is no longer in storage; put it back, or make it again"
                    f" (form: Make again, command line: --remake {remake_name(row)})",
                ),
                row,
                reused=True,
            )
        outcome = Outcome(OutcomeState.MADE, None, row, row.result, reused=True)
        return self._noting_stale(outcome, wish)

    def _missing_objects(self, row: JobRow) -> list[str]:
        return [result.object.key for result in row.result if not self._store.exists(result.object.key)]

    def _goes_on(
        self, outcome: Outcome, row: JobRow, wish: Wish, request: Request, *, may_repeat: bool
    ) -> bool:
        """Whether finishing an earlier job has cleared the way for the one that is wanted now."""
        if row.state is RowState.IN_DOUBT:
            return may_repeat and self._is_repeatable(row, request)
        if not outcome.reused:
            return False
        if outcome.reason is not None and outcome.reason.code == "NOT_SUBMITTED":
            return True
        free = not row.paid and not wish.paid
        changed = row.state is RowState.SETTLED and row.fingerprint != wish.fingerprint
        return free and (changed or row.state is RowState.EXPIRED)

    def _is_repeatable(self, row: JobRow, request: Request) -> bool:
        return (
            row.state is RowState.IN_DOUBT
            and request.capability is Capability.COPY
            and row.estimated_micro < self._repeatable_below_micro
        )

    @staticmethod
    def _noting_stale(outcome: Outcome, wish: Wish) -> Outcome:
        row = outcome.job
        if outcome.state is not OutcomeState.MADE or row is None or row.fingerprint == wish.fingerprint:
            return outcome
        sentence = (
            f"{row.part} was made by {row.provider} before the product or the wish changed, and is kept since"
            f" it was paid; make it again if it matters (form: Make again, command line: --remake {remake_name(row)})"
        )
        return replace(outcome, stale=True, reason=outcome.reason or Reason("PART_STALE", sentence))


def _is_what_is_held(job: JobRow, request: Request, provider: Provider) -> bool:
    """Whether the request may be submitted as this job: the same wish, and of a job that may not have been accepted yet
    the same model at no higher price, since both may have been set anew after the money was held.
    """
    if request.fingerprint() != job.fingerprint:
        return False
    if job.state in (RowState.SUBMITTED, RowState.STORED):
        return True
    try:
        return provider.model_for(request) == job.model and provider.estimate(request) <= job.estimated_micro
    except ProviderError:
        return False


def _until(resets_at: datetime, code: str, error: Exception) -> Outcome:
    return Outcome(OutcomeState.WAITING, Reason(code, str(error)), reused=True, resume_after=resets_at)


def _circuit_open(provider: str, lane: Lane) -> Outcome:
    until = lane.breaker.open_until
    when = f" before {until:%H:%M:%S} {until.tzname()}" if until else ""
    return Outcome(
        OutcomeState.WAITING,
        Reason("CIRCUIT_OPEN", f"{provider} has not answered lately and is not asked again{when}"),
        reused=True,
        resume_after=until,
    )


def _left_alone(row: JobRow, why: str) -> Outcome:
    doubtful = row.state is RowState.IN_DOUBT
    return Outcome(
        OutcomeState.WAITING,
        Reason(
            "IN_DOUBT" if doubtful else "PROVIDER_MISSING",
            f"job {row.id} (key {row.key}) at {row.provider} is {row.state.value}, and {why};"
            f" {row.held_micro / 1e6:.2f} CNY stay held"
            + (
                " until a person has looked in the vendor's console and said so to skuflow resolve"
                if doubtful
                else ""
            ),
        ),
        row,
        reused=True,
    )
