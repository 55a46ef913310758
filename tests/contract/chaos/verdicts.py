"""Passes judgement on a story: what the vendors took on and charge, against what the ledger says and storage holds."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from skuflow.jobs.contract import JobHandle, JobState, Provider
from skuflow.jobs.errors import JobExpiredError, ProviderError
from skuflow.jobs.result_checks import defect_in
from skuflow.ledger.rows import JobRow, RowState
from skuflow.storage.objects import StorageError
from tasks.wiring import Wiring
from tests.contract.chaos.child import open_wiring
from tests.contract.chaos.world import Accepted, Story

_ENDED = (RowState.FAILED, RowState.EXPIRED)
_ASKED_AGAIN = 3
_MICRO = Decimal(1_000_000)
_REFUSED = frozenset(
    (
        "RateLimitedError",
        "TransientError",
        "AuthError",
        "InsufficientBalanceError",
        "InvalidInputError",
        "ContentRejectedError",
    )
)


@dataclass
class Verdict:
    """What one seed came to. ``faults`` by "place:fault"; money in micro-CNY; ``wrong`` is empty where all is well."""

    seed: int
    wrong: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)


def judge(story: Story) -> Verdict:
    """The verdict, while the story's vendors can still be asked."""
    verdict = Verdict(story.scenario.seed, faults=story.faults)
    wiring = open_wiring(story.orders)
    try:
        court = Court(story, wiring)
        verdict.wrong += story.troubles
        if not story.settled_down:
            verdict.wrong.append("calm runs keep changing the ledger")
        for finding in (
            court.crashes(),
            court.doubles(),
            court.money(),
            court.doubts(),
            court.books(),
            asyncio.run(court.losses()),
        ):
            verdict.wrong += finding
        verdict.figures = court.figures()
    finally:
        wiring.close()
    if verdict.wrong:
        verdict.wrong.append(_account(court))
    return verdict


class Court:
    """Everything there is to know about one story."""

    def __init__(self, story: Story, wiring: Wiring) -> None:
        self.story = story
        self.wiring = wiring
        self.rows = list(wiring.ledger.iter_jobs())
        self.by_key = {row.key: row for row in self.rows}
        self.accepted = [entry for vendor in story.vendors.values() for entry in vendor.accepted()]
        self.entries: dict[str, list[Accepted]] = defaultdict(list)
        for entry in self.accepted:
            self.entries[entry.key].append(entry)
        self.answers = {note["call"]: note["kind"] for note in story.diary if note["what"] == "answer"}
        self.calls: dict[str, list[str]] = defaultdict(list)
        for note in story.diary:
            if note["what"] == "submit":
                self.calls[note["key"]].append(note["call"])
        self.given_up: list[JobRow] = []

    # Nothing breaks

    def crashes(self) -> list[str]:
        found = [f"a process broke: {note['trace']}" for note in self.story.diary if note["what"] == "crash"]
        for vendor in self.story.vendors.values():
            found += [f"the emulator {vendor.emulator.name} broke: {e!r}" for e in vendor.emulator.crashes]
        return found

    # Nothing is asked for twice

    def doubles(self) -> list[str]:
        found = [
            f"DOUBLE: {entry} belongs to no job of the ledger"
            for entry in self.accepted
            if entry.key not in self.by_key
        ]
        by_slot: dict[str, list[JobRow]] = defaultdict(list)
        for row in self.rows:
            by_slot[row.slot_key].append(row)
        for slot, rows in by_slot.items():
            open_to = [row for row in rows if self._taken_on(row) and row.state not in _ENDED]
            if len(open_to) > 1:
                found.append(f"DOUBLE: {slot} was taken on {len(open_to)} times, for jobs that had not ended")
        for row in self.rows:
            bringing = list(dict.fromkeys(entry.call for entry in self._weighty(row)))
            if len(bringing) > 1:
                found.append(f"DOUBLE: job {row.key} of {row.slot_key} was taken on by {bringing}")
            if row.state in (RowState.RELEASED, RowState.RESERVED) and self._weighty(row):
                found.append(f"DOUBLE: job {row.key} counts as never taken on, but {self._weighty(row)}")
        return found

    def _taken_on(self, row: JobRow) -> bool:
        return bool(self._weighty(row))

    def _weighty(self, row: JobRow) -> list[Accepted]:
        """What a vendor works on or charges for; an answer at once that refuses and is free is neither."""
        return [entry for entry in self.entries[row.key] if entry.is_job or entry.amount > 0]

    # Nothing is paid wrongly

    def money(self) -> Iterator[str]:
        for row in self.rows:
            charged = sum(_micro(entry.amount) for entry in self.entries[row.key])
            if not self._is_covered(row, charged):
                yield (
                    f"MONEY: job {row.key} of {row.slot_key} at {row.provider} ({row.state}) settled"
                    f" {row.settled_micro}, holds {row.held_micro}, charged {charged}"
                )

    def _is_covered(self, row: JobRow, charged: int) -> bool:
        match row.state:
            case RowState.SETTLED:
                return row.settled_micro == charged
            case RowState.FAILED if row.provider == "kling" or charged:
                return row.settled_micro == charged
            case RowState.FAILED | RowState.EXPIRED:
                return row.settled_micro >= charged
            case RowState.RELEASED:
                return charged == 0
        return row.held_micro >= charged or not self.story.scenario.budget_holds

    def doubts(self) -> Iterator[str]:
        """A job is in doubt only where its submit may really have been lost."""
        ended = {note["pid"] for note in self.story.diary if note["what"] == "ended"}
        for row in self.rows:
            if row.state in (RowState.SUBMITTING, RowState.RESERVED, RowState.STORED):
                yield f"DOUBT: job {row.key} of {row.slot_key} was left {row.state}"
            if row.state is not RowState.IN_DOUBT:
                continue
            if self.wiring.provider_named(row.provider).can_find:
                yield f"DOUBT: job {row.key} of {row.slot_key} is in doubt though {row.provider} can be asked"
            calls = self.calls[row.key]
            kind = self.answers.get(calls[-1]) if calls else None
            pid = int(calls[-1].partition("#")[2].partition("-")[0]) if calls else None
            if (kind == "handle" or kind in _REFUSED) and pid in ended:
                yield f"DOUBT: job {row.key} of {row.slot_key} is in doubt, but its submit ended with {kind}"

    def books(self) -> Iterator[str]:
        ledger = self.wiring.ledger
        yield from (f"BOOKS: {difference}" for difference in ledger.audit())
        for day in sorted({row.day for row in self.rows}):
            for use in ledger.usage(day):
                if use.limit is not None and use.used > use.limit:
                    yield f"CAP: {use}"
            budget = ledger.budget_use(day)
            spent = budget.held_micro + budget.settled_micro
            if self.story.scenario.budget_holds and budget.limit_micro and spent > budget.limit_micro:
                yield f"BUDGET: {budget}"
        for row in self.rows:
            if row.state is RowState.SETTLED:
                yield from self._stored(row)

    def _stored(self, row: JobRow) -> Iterator[str]:
        if not row.result:
            yield f"LOST: job {row.key} of {row.slot_key} is settled without a result"
        for result in row.result:
            try:
                data = self.wiring.store.get(result.object.key)
            except StorageError as error:
                yield f"LOST: job {row.key} of {row.slot_key} is settled, and {error}"
                continue
            if hashlib.sha256(data).hexdigest() != result.object.sha256:
                yield f"LOST: job {row.key} of {row.slot_key} is settled, and its result is another"
            if defect := defect_in(data, result.object.media_type):
                yield f"LOST: job {row.key} of {row.slot_key} is settled, and of its result {defect}"

    # Nothing is lost

    async def losses(self) -> list[str]:
        """Ask the vendors, now that nothing goes wrong any more, for every result that is not in storage."""
        found = []
        for row in self.rows:
            if row.state in (RowState.SETTLED, RowState.RELEASED):
                continue
            provider = self.wiring.provider_named(row.provider)
            if await _can_be_had(provider, row):
                if row.error_code == "RESULT_CORRUPT":
                    self.given_up.append(row)
                else:
                    found.append(
                        f"LOST: job {row.key} of {row.slot_key} is {row.state} ({row.error_class}"
                        f" {row.error_code}: {row.error_message}), and {row.provider} still has its result"
                    )
        return found

    def figures(self) -> Counter[str]:
        states = Counter(f"jobs {row.state}" for row in self.rows)
        return Counter(
            {
                "runs": self.story.runs,
                "kills": self.story.kills,
                "submits": sum(len(calls) for calls in self.calls.values()),
                "taken on": len({entry.job_id for entry in self.accepted}),
                "charged micro": sum(_micro(entry.amount) for entry in self.accepted),
                "settled micro": sum(row.settled_micro for row in self.rows),
                "held micro": sum(row.held_micro for row in self.rows),
                "settled beyond the charge micro": sum(
                    max(0, row.settled_micro - sum(_micro(entry.amount) for entry in self.entries[row.key]))
                    for row in self.rows
                ),
                "given up as damaged": len(self.given_up),
                "doubts without a charge": sum(
                    row.state is RowState.IN_DOUBT and not self._weighty(row) for row in self.rows
                ),
                **states,
            }
        )


async def _can_be_had(provider: Provider, row: JobRow) -> bool:
    """Whether the vendor delivers the job's whole result to somebody who knows what the ledger knows."""
    handle = row.handle if row.vendor_job_id else None
    if handle is None:
        found = await provider.find(row.key)
        handle = found and JobHandle(found.provider, found.model or row.model, found.job_id)
    if handle is None:
        return False
    for _ in range(_ASKED_AGAIN):
        try:
            status = await provider.poll(handle)
            if status.state is not JobState.SUCCEEDED:
                return False
            for artifact in status.artifacts:
                if defect_in(await provider.fetch(artifact), artifact.media_type):
                    return False
        except JobExpiredError:
            return False
        except ProviderError:
            await asyncio.sleep(0.1)
            continue
        return bool(status.artifacts)
    return False


def _micro(amount: Decimal) -> int:
    micro = amount * _MICRO
    return int(micro) + (micro != int(micro))


def _account(court: Court) -> str:
    """What happened to every job, for a person."""
    lines: list[str] = []
    for row in court.rows:
        lines.append(
            f"{row.slot_key} #{row.attempt_no} {row.provider} {row.model} {row.key}: {row.state},"
            f" estimated {row.estimated_micro} held {row.held_micro} settled {row.settled_micro},"
            f" vendor job {row.vendor_job_id or '-'}, {row.error_class} {row.error_message}"
        )
        lines += [
            f"    {e.at:%H:%M:%S} {e.from_state}>{e.to_state} {e.note}"
            for e in court.wiring.ledger.events(row.id)
        ]
        lines += [f"    submit {call}: {court.answers.get(call, 'killed')}" for call in court.calls[row.key]]
        lines += [f"    taken on {entry}" for entry in court.entries[row.key]]
    return "\n".join(["account:", *_indented(lines)])


def _indented(lines: Iterable[str]) -> Sequence[str]:
    return [f"    {line}" for line in lines]
