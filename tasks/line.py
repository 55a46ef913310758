"""What travels with a SKU from step to step.

These are plain classes, not dataclasses or models: Prefect walks through the fields of those in search of futures, for
every task call, which costs more than the call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from skuflow.catalog.intake import Intake
from skuflow.jobs.contract import Request, Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.rows import JobRow, RowState
from skuflow.listing.brief import Remakes
from skuflow.listing.kit import Kit
from skuflow.listing.planning import KitPlan
from skuflow.listing.storyboard import Storyboard
from tasks.wiring import Wiring


class Line:
    """One SKU on its way: its plan, what intake found, what the ledger knew of its slots, its kit of before."""

    def __init__(
        self,
        wiring: Wiring,
        plan: KitPlan,
        intake: Intake,
        photo_digest: str,
        known: Mapping[str, JobRow],
        previous: Kit | None,
        remakes: Remakes,
    ) -> None:
        self.wiring = wiring
        self.plan = plan
        self.intake = intake
        self.photo_digest = photo_digest
        self.known = known
        self.previous = previous
        self.remakes = remakes

    @property
    def sku(self) -> str:
        return self.plan.product.sku

    async def make(self, slot: Slot, request: Request) -> Outcome:
        """Have one slot filled by its provider, through the ledger."""
        return await self.wiring.runner.run(
            request,
            self.wiring.provider(slot),
            remake=self.remakes.wants(self.sku, slot.part),
            known=self.known.get(slot.key()),
        )

    def recall(self, slots: Iterable[Slot]) -> StageOutcome:
        """What earlier runs made of these slots, without making anything: for stages that this run leaves out."""
        rows = ((slot, self.known.get(slot.key())) for slot in slots)
        return StageOutcome(
            (slot, Outcome(OutcomeState.MADE, job=row, results=row.result, reused=True))
            for slot, row in rows
            if row is not None and row.state is RowState.SETTLED
        )


class PublishedKit:
    """The kit that the last stage left."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit


class StageOutcome:
    """What one stage left, slot by slot; handed to the next stage, which is how Prefect draws the graph."""

    def __init__(
        self, outcomes: Iterable[tuple[Slot, Outcome]] = (), storyboard: Storyboard | None = None
    ) -> None:
        self.outcomes: dict[Slot, Outcome] = dict(outcomes)
        self.storyboard = storyboard
