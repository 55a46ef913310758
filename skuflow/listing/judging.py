"""A model's opinions on finished parts: which file is judged, whether an answer is about it, and what the kit shows.

An opinion stands beside the measures and never in a score; a part without one is as good as before.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from skuflow.jobs.contract import JudgeRequest
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.ledger.rows import JobRow, RowState
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.judge_prompt import CopyCheck, Judgement, OpinionT
from skuflow.listing.kit import CopyOpinion, KitCopy, KitImage, PictureOpinion
from skuflow.storage.objects import ObjectStore, StoredObject

LEAST_POINTS = 60
"""Below this an opinion on a picture is worth a finding."""

_JUDGED = "800x800"
"""The size of a scene that is judged: what a marketplace shows."""
_CODES = frozenset(("JUDGE_COPY", "JUDGE_PICTURE"))


def judged_object(outcome: Outcome) -> StoredObject | None:
    """What is judged of a made part: its copy, or its picture of 800x800, else its first; None where it has neither."""
    pictures = (
        result.object
        for result in outcome.results
        if "x" in result.label and result.object.media_type.startswith("image/")
    )
    return outcome.result("copy") or outcome.result(_JUDGED) or next(pictures, None)


def is_about(row: JobRow, request: JudgeRequest) -> bool:
    """Whether a job's opinion is on the very files that the request names, and not on what stood there before."""
    return bool((row.request_summary or {}).get("judged") == request.identity()["judged"])


def is_outdated(row: JobRow | None, request: JudgeRequest) -> bool:
    """Whether there is an opinion, but on a file that has been made again since: it is then asked for again."""
    return row is not None and row.state is RowState.SETTLED and not is_about(row, request)


def usable(store: ObjectStore, request: JudgeRequest, outcome: Outcome) -> Outcome:
    """``outcome``, or why its opinion cannot be shown. Blocks. Raises StorageError."""
    if outcome.state is not OutcomeState.MADE:
        return outcome
    if not is_about(outcome.made_job, request):
        reason = Reason(
            "JUDGE_WAITS", "there is an opinion on an earlier version of it; run again for another"
        )
        return Outcome(OutcomeState.WAITING, reason, outcome.job, reused=outcome.reused)
    try:
        if request.text is not None:
            _read(store, outcome, CopyCheck)
        else:
            _read(store, outcome, Judgement)
    except ValidationError as error:
        part = f"{request.slot.sku}:{request.slot.part}"
        sentence = (
            f"the answer is no opinion ({error.error_count()} faults); ask again"
            f" (form: Make again, command line: --remake {part})"
        )
        return Outcome(
            OutcomeState.FAILED, Reason("JUDGE_UNREADABLE", sentence), outcome.job, reused=outcome.reused
        )
    return outcome


def judged_copy(store: ObjectStore, copy: KitCopy, outcome: Outcome | None) -> KitCopy:
    """The copy with the opinion on it; the one that it had stays where there is no newer."""
    if outcome is None or outcome.state is not OutcomeState.MADE:
        return copy
    check = _read(store, outcome, CopyCheck)
    found = (
        Finding(
            code="JUDGE_COPY",
            severity=Severity.WARNING,
            subject=copy.part,
            message=f"a model doubts {problem.text!r}: {problem.why}; compare it with the product's data",
            message_zh=f"模型对“{problem.text}”存疑：{problem.why}；请与商品资料核对",
        )
        for problem in check.problems
    )
    opinion = CopyOpinion(ok=check.ok, **_who(outcome))
    return copy.model_copy(update={"judgement": opinion, "findings": (*_others(copy.findings), *found)})


def judged_image(store: ObjectStore, image: KitImage, outcome: Outcome | None) -> KitImage:
    """The picture with the opinion on it; the one that it had stays where there is no newer."""
    if outcome is None or outcome.state is not OutcomeState.MADE:
        return image
    judgement = _read(store, outcome, Judgement)
    opinion = PictureOpinion(**judgement.model_dump(), **_who(outcome))
    return image.model_copy(
        update={"judgement": opinion, "findings": (*_others(image.findings), *_doubt(image, opinion))}
    )


def _doubt(image: KitImage, opinion: PictureOpinion) -> tuple[Finding, ...]:
    points = {
        "identity": opinion.identity,
        "realism": opinion.realism,
        "cleanliness": opinion.cleanliness,
    }
    worst = min(points, key=lambda name: points[name])
    if points[worst] >= LEAST_POINTS:
        return ()
    return (
        Finding(
            code="JUDGE_PICTURE",
            severity=Severity.WARNING,
            subject=image.id,
            message=f"a model doubts its {worst} ({opinion.reason}); look at it closely",
            message_zh=f"模型对其{_ASPECTS_ZH[worst]}存疑（{opinion.reason}）；请仔细查看",
            measured=str(points[worst]),
            limit=str(LEAST_POINTS),
        ),
    )


_ASPECTS_ZH = {"identity": "商品一致性", "realism": "真实感", "cleanliness": "洁净度"}


def _others(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.code not in _CODES)


def _read(store: ObjectStore, outcome: Outcome, shape: type[OpinionT]) -> OpinionT:
    return shape.model_validate_json(store.get(outcome.required("judgement").key))


def _who(outcome: Outcome) -> dict[str, str]:
    job = outcome.made_job
    return {"provider": job.provider, "model": job.model, "job_id": job.id}
