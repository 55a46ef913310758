"""What became of the SKUs of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skuflow.batches.results import COMPLETE, SkuResult, counted
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus, PartState
from skuflow.review.batch_words import outcome_words
from skuflow.review.wording import Wording

BUSY = "another run is working on it; run again to see its kit"
"""Why a SKU is deferred that somebody else has claimed."""

_TOLD = frozenset({"COPY_LANGUAGE", "DIAGNOSTIC_BUNDLE"})
"""Findings that block nothing and that whoever started the run should read at once."""


@dataclass(frozen=True, slots=True)
class KitReport:
    """What became of one SKU in this run. ``made`` counts parts made now, ``kept`` parts that were there before.

    ``kit`` is None only when something unforeseen went wrong, or another run is at work; ``error`` then says what.
    """

    sku: str
    title: str
    status: str
    kit: Kit | None
    made: int = 0
    kept: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def complete(self) -> bool:
        return self.status in COMPLETE

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The errors that block a kit or let it fail."""
        if self.kit is None or self.status not in (KitStatus.BLOCKED, KitStatus.FAILED):
            return ()
        return tuple(finding for finding in self.kit.findings if finding.severity is Severity.ERROR)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the kit is not complete, one sentence each."""
        return self.result().reasons

    @property
    def troubles(self) -> tuple[str, ...]:
        """What stands in the way beside ``refusals``: an error of the run, and parts that were not made."""
        unmade = (
            f"{part.part}: {part.reason}"
            for part in (self.kit.parts if self.kit is not None else ())
            if part.state in (PartState.WAITING, PartState.FAILED)
        )
        return (*((self.error,) if self.error else ()), *unmade)

    def result(self) -> SkuResult:
        """The same without the kit."""
        kit = self.kit
        shown = {"scores": kit.scores, "cost": kit.cost} if kit is not None else {}
        return SkuResult(
            sku=self.sku,
            title=self.title,
            status=self.status,
            has_kit=kit is not None,
            made=self.made,
            kept=self.kept,
            seconds=self.seconds or None,
            error=self.error,
            refusals=self.refusals,
            troubles=self.troubles,
            told=tuple(found for found in kit.findings if found.code in _TOLD) if kit is not None else (),
            **shown,
        )


class BatchReport:
    """What became of a batch: every SKU in the catalog's order, and what was wrong with rows that have no SKU.
    ``run_id`` is what the ledger calls the run; empty outside of a flow run. ``kits`` are there for a batch that one
    run worked off; of one in chunks there are ``results`` only, and of one that is left to other runs not even these.

    A plain class for the reason given in ``tasks.line``: Prefect would walk through every field of every kit.
    """

    def __init__(
        self,
        kits: Sequence[KitReport] = (),
        loose_findings: Sequence[Finding] = (),
        run_id: str = "",
        *,
        results: Sequence[SkuResult] | None = None,
        batch_id: str = "",
    ) -> None:
        self.kits = tuple(kits)
        self.results = tuple(report.result() for report in kits) if results is None else tuple(results)
        self.loose_findings = tuple(loose_findings)
        self.run_id = run_id
        self.batch_id = batch_id

    def with_results(self, results: Sequence[SkuResult]) -> BatchReport:
        """The same batch with other results, such as those that the export had to add to."""
        return BatchReport(
            self.kits, self.loose_findings, self.run_id, results=results, batch_id=self.batch_id
        )

    @property
    def complete(self) -> bool:
        """Every SKU has its kit, and every row was a SKU."""
        return all(result.complete for result in self.results) and not any(
            finding.severity is Severity.ERROR for finding in self.loose_findings
        )

    def in_one_line(self) -> str:
        """Such as "9 needs_review, 1 blocked; 108 parts made, 0 kept"."""
        return self.in_words().en

    def in_words(self) -> Wording:
        """The same in English and Chinese."""
        return outcome_words(counted(self.results))
