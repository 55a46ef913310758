"""What follows a paid result in the same stage: the sizes that the studio makes of a vendor's picture or video."""

from __future__ import annotations

from collections.abc import Mapping

from skuflow.jobs.contract import Request, Slot
from skuflow.jobs.outcome import Outcome
from skuflow.listing.developing import develop
from skuflow.listing.fitting import product_group
from skuflow.listing.refitting import refitted
from skuflow.studio.labels.labelling import Labelling
from tasks.line import Line


async def developed(line: Line, request: Request, outcome: Outcome) -> Outcome:
    """The outcome with every size that its request needs, in as few bytes as places allow, in the pixel pool."""
    return await line.wiring.in_pool(_develop, line, request, outcome)


def developed_again(
    line: Line, requests: Mapping[Slot, Request | None], slot: Slot, outcome: Outcome
) -> Outcome:
    """An earlier outcome of the slot with every size and label that are wanted now. Blocks."""
    request = requests.get(slot)
    return line.as_before(outcome) if request is None else _develop(line, request, outcome)


def _develop(line: Line, request: Request, outcome: Outcome) -> Outcome:
    labelling = Labelling(line.wiring.settings.skuflow_content_producer)
    outcome = develop(line.wiring.store, request, outcome, labelling=labelling, visible=line.plan.visible)
    return refitted(line.wiring.store, outcome, product_group(request.product))
