"""Intake as the first step of a batch: every SKU passes the gate, and is compared with the others of the batch."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from flows.intake_gate import note, pass_gate
from skuflow.catalog.gate.batch_photos import BatchPhotos, used_photo
from skuflow.catalog.intake import Gate, Intake
from skuflow.listing.findings import Finding
from skuflow.listing.planning import KitPlan
from tasks.wiring import Wiring


class BatchIntake:
    """``skus`` are to be made, in the order in which they are begun; ``photos`` knows those that are finished.

    Of two new SKUs with the same picture the later is told, whichever is looked at sooner: every SKU waits until those
    before it have passed the gate (not until they are made), so equal batches give equal findings.
    """

    def __init__(self, gate: Gate, photos: BatchPhotos, skus: Iterable[str]) -> None:
        self._gate = gate
        self._photos = photos
        self._passed = {sku: asyncio.Event() for sku in skus}

    async def attempt(self, wiring: Wiring, plan: KitPlan, beside: Sequence[Finding]) -> Intake:
        """What the gate finds about the plan's product; ``beside``: what is known already. Blocked attempts are
        counted, and after several in a row a diagnostic bundle is written.
        """
        sku = plan.product.sku
        try:
            intake = await wiring.in_pool(
                pass_gate, plan, wiring.store, self._gate, needs_picture=plan.needs_picture, beside=beside
            )
            await self._all_before(sku)
            photo = used_photo(intake)
            if photo is not None:
                alike = self._photos.compare(sku, photo)
                intake = replace(intake, findings=(*intake.findings, *alike))
        finally:
            if sku in self._passed:
                self._passed[sku].set()
        return await wiring.in_pool(note, plan, intake, wiring.store, self._gate, wiring.settings)

    def leave_out(self, sku: str) -> None:
        """Nobody need wait for it: it has passed, or is not to be made here."""
        if sku in self._passed:
            self._passed[sku].set()

    async def _all_before(self, sku: str) -> None:
        for other, passed in self._passed.items():
            if other == sku:
                return
            await passed.wait()
