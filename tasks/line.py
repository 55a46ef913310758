"""What travels with a SKU from step to step.

These are plain classes, not dataclasses or models: Prefect walks through the fields of those in search of futures, for
every task call, which costs more than the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from skuflow.batches.claims import Claim
from skuflow.catalog.intake import Intake
from skuflow.jobs.contract import Request, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.ledger.rows import JobRow, RowState
from skuflow.listing.brief import Remakes, Stage
from skuflow.listing.developing import as_developed
from skuflow.listing.fitting import product_group
from skuflow.listing.kit import Kit
from skuflow.listing.planning import KitPlan
from skuflow.listing.refitting import refitted
from skuflow.listing.storyboard import Storyboard
from skuflow.listing.twins import without_twins
from tasks.wiring import Wiring

NONE: Mapping[Slot, Storyboard] = MappingProxyType({})


class ClaimLostError(Exception):
    """Another run has taken the SKU over, or may have, since this one has shown no sign of life for too long."""


class Line:
    """One SKU on its way: its plan, what intake found, what the ledger knew of its slots, its kit of before."""

    def __init__(
        self,
        wiring: Wiring,
        plan: KitPlan,
        intake: Intake,
        made_for: Mapping[str, str],
        known: Mapping[str, JobRow],
        previous: Kit | None,
        remakes: Remakes,
        claim: Claim | None = None,
    ) -> None:
        self.wiring = wiring
        self.plan = plan
        self.intake = intake
        self.made_for = made_for
        self.known = known
        self.previous = previous
        self.remakes = remakes
        self.claim = claim

    @property
    def sku(self) -> str:
        return self.plan.product.sku

    def answered(self) -> dict[str, str]:
        """What the kit of this run answers: stages that it left out answer what they answered before; all of them did
        where the run was blocked, so that what was made before is neither lost nor taken for what is wanted now.
        """
        before = self.previous.made_for if self.previous is not None else {}
        if self.intake.blocked:
            return dict(before)
        run = {"product", *(stage.value for stage in self.plan.brief.stages)}
        kept = {name: digest for name, digest in before.items() if name not in run}
        return {**kept, **{name: digest for name, digest in self.made_for.items() if name in run}}

    def require_claim(self) -> None:
        """Raises ClaimLostError once another run works on the SKU, or may do so: after a machine has slept, work goes
        on before the claim is renewed.
        """
        if self.claim is not None and not self.claim.is_held:
            raise ClaimLostError(f"{self.sku} is no longer this run's")

    async def make(self, slot: Slot, request: Request, *, remake: bool = False) -> Outcome:
        """Have one slot filled by its provider, through the ledger; ``remake``: again, whoever wishes it.

        Raises ClaimLostError, with nothing asked of anybody.
        """
        self.require_claim()
        return await self.wiring.make(
            request,
            remake=remake or self.remakes.wants(self.sku, slot.part),
            known=self.known.get(slot.key()),
        )

    def recall(self, stage: Stage, slots: Iterable[Slot]) -> StageOutcome:
        """What earlier runs made of these slots, without making anything: for a stage that this run leaves out."""
        before = self.previous.made_for.get(stage.value) if self.previous is not None else None
        now = self.made_for.get(stage.value, before)
        rows = ((slot, self.known.get(slot.key())) for slot in slots)
        recalled = [
            (slot, self.as_before(_recalled(row, stale=before != now)))
            for slot, row in rows
            if row is not None
        ]
        if stage is Stage.IMAGES:
            again = self.as_before
            recalled = without_twins(
                recalled, self.wiring.ledger, self.wiring.store, lambda _, outcome: again(outcome)
            )
        return StageOutcome(recalled)

    def as_before(self, outcome: Outcome) -> Outcome:
        """The outcome with what the studio made of it before. Blocks; makes nothing."""
        store = self.wiring.store
        return refitted(store, as_developed(store, outcome), product_group(self.plan.product), encode=False)


def _recalled(row: JobRow, *, stale: bool) -> Outcome:
    if row.state is RowState.SETTLED:
        return Outcome(OutcomeState.MADE, job=row, results=row.result, reused=True, stale=stale)
    if row.state.is_live or row.state is RowState.IN_DOUBT:
        reason = Reason(row.state.value.upper(), "its job is under way; run its stage to collect it")
        return Outcome(OutcomeState.WAITING, reason, row, reused=True)
    reason = Reason(
        row.error_code or row.state.value.upper(), row.error_message or "its job failed; run its stage"
    )
    return Outcome(OutcomeState.FAILED, reason, row, reused=True)


class PublishedKit:
    """The kit that the last stage left."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit


class StageOutcome:
    """What one stage left, slot by slot; handed to the next stage, which is how Prefect draws the graph."""

    def __init__(
        self, outcomes: Iterable[tuple[Slot, Outcome]] = (), storyboards: Mapping[Slot, Storyboard] = NONE
    ) -> None:
        self.outcomes: dict[Slot, Outcome] = dict(outcomes)
        self.storyboards = storyboards
