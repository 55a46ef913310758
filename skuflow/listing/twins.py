"""Keeps pictures from being delivered that a shopper would take for one that is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.ledger.attempts import remake_name
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow
from skuflow.listing.bench import SIZE_LABEL, decode, size_of
from skuflow.listing.developing import as_developed
from skuflow.storage.objects import ObjectStore

TOO_CLOSE = "IMAGE_TOO_CLOSE"


Again = Callable[[Slot, Outcome], Outcome]
"""An earlier picture of the slot with everything that is wanted of it now."""


def without_twins(
    outcomes: Iterable[tuple[Slot, Outcome]], ledger: Ledger, store: ObjectStore, again: Again | None = None
) -> list[tuple[Slot, Outcome]]:
    """The image stage's outcomes with no picture in them twice. Blocks; decodes what has not been compared yet.

    A picture that was made again for the same wish and came out too close to the one before is not delivered: the
    earlier one stays, and the outcome's reason says so, also where both are the same to the byte. One that is too close
    to another of the kit gives way to the earlier one as well, and is a failed outcome where there is none. Either is
    noted in the ledger, so that it is compared once and the duplicate guard knows of it. ``again`` brings an earlier
    picture up to date; without it, it is as it was developed then. Raises StorageError.
    """
    again = again or (lambda _, outcome: as_developed(store, outcome))
    found = list(outcomes)
    delivered: dict[int, Outcome] = {}
    for number in sorted(range(len(found)), key=lambda number: not _is_no_twin(found[number][1])):
        slot, outcome = found[number]
        if _has_look(outcome):
            others = [delivered[other] for other in sorted(delivered) if _has_look(delivered[other])]
            former = _former(slot, outcome.made_job, ledger, store, again)
            outcome = _without_twin(outcome, former, others, ledger, store)
        delivered[number] = outcome
    return [(slot, delivered[number]) for number, (slot, _) in enumerate(found)]


def _has_look(outcome: Outcome) -> bool:
    return outcome.state is OutcomeState.MADE and bool(outcome.made_job.look)


def _is_no_twin(outcome: Outcome) -> bool:
    """Found in an earlier run: such pictures come first, wherever they stand in the kit, and new ones are compared with
    them.
    """
    return outcome.job is not None and outcome.job.twin_of == ""


def _without_twin(
    outcome: Outcome, former: Outcome | None, others: Sequence[Outcome], ledger: Ledger, store: ObjectStore
) -> Outcome:
    job = outcome.made_job
    if job.twin_of == "":
        return outcome
    candidates = [*([] if former is None else [former]), *others]
    twin_of = job.twin_of
    if twin_of is None:
        twin_of = next((other.made_job.id for other in candidates if _alike(outcome, other, store)), "")
        ledger.note_twin(job, twin_of)
    twin = next((other for other in candidates if other.made_job.id == twin_of), None)
    if twin is None:
        return outcome
    if twin is former:
        if _same_files(outcome, former):
            sentence = f"made again, {job.part} came out the same; choose another style, photo or provider"
            return replace(outcome, reason=Reason(TOO_CLOSE, sentence))
        sentence = (
            f"made again, {job.part} came out almost the same ({job.provider}); the earlier picture stays. "
            "Choose another style, photo or provider"
        )
        return _instead(former, outcome, sentence)
    if former is not None:
        sentence = (
            f"made again, {job.part} came out almost the same as {twin.made_job.part}; the earlier picture stays. "
            "Choose another style, photo or provider"
        )
        return _instead(former, outcome, sentence)
    sentence = (
        f"{job.part} came out almost the same as {twin.made_job.part} and is not delivered; choose another style, "
        f"then make it again (form: Make again, command line: --remake {remake_name(job)})"
    )
    return replace(outcome, state=OutcomeState.FAILED, reason=Reason(TOO_CLOSE, sentence), results=())


def _instead(former: Outcome, outcome: Outcome, sentence: str) -> Outcome:
    return replace(
        former, reason=Reason(TOO_CLOSE, sentence), reused=outcome.reused, stale=outcome.stale or former.stale
    )


def _former(slot: Slot, job: JobRow, ledger: Ledger, store: ObjectStore, again: Again) -> Outcome | None:
    """The picture that was delivered before the job, if it was made for the same wish and is still there; else a change
    was wanted. What came out as a twin in between was never delivered.
    """
    if job.twin_of == "":
        return None
    former = ledger.get(job.supersedes) if job.supersedes else None
    while former is not None and former.twin_of and former.fingerprint == job.fingerprint:
        former = ledger.get(former.supersedes) if former.supersedes else None
    if former is None or former.fingerprint != job.fingerprint or not former.result:
        return None
    if not all(store.exists(result.object.key) for result in former.result):
        return None
    outcome = again(slot, Outcome(OutcomeState.MADE, job=former, results=former.result, reused=True))
    return outcome if outcome.state is OutcomeState.MADE else None


def _same_files(one: Outcome, other: Outcome) -> bool:
    return {(r.label, r.object.sha256) for r in one.results} == {
        (r.label, r.object.sha256) for r in other.results
    }


def _alike(one: Outcome, other: Outcome, store: ObjectStore) -> bool:
    from skuflow.quality.duplicates import fingerprint_of, too_close

    shapes = {label for label in _shapes(one) if other.result(label) is not None}
    if not shapes:
        return False
    label = min(shapes, key=_pixels_of)
    first, second = (
        fingerprint_of(decode(store.get(outcome.required(label).key))) for outcome in (one, other)
    )
    return too_close(first, second)


def _shapes(outcome: Outcome) -> list[str]:
    return [result.label for result in outcome.results if SIZE_LABEL.fullmatch(result.label)]


def _pixels_of(label: str) -> int:
    width, height = size_of(label)
    return width * height
