"""What follows a paid result in the same stage: the sizes that the studio makes of a vendor's picture or video."""

from __future__ import annotations

from collections.abc import Mapping

from skuflow.jobs.contract import Request, Slot
from skuflow.jobs.outcome import Outcome
from skuflow.listing.developing import as_developed, develop
from skuflow.studio.labels.labelling import Labelling
from tasks.line import Line


async def developed(line: Line, request: Request, outcome: Outcome) -> Outcome:
    """The outcome with every size that its request needs, in the pixel pool."""
    return await line.wiring.in_pool(_develop, line, request, outcome)


def developed_again(
    line: Line, requests: Mapping[Slot, Request | None], slot: Slot, outcome: Outcome
) -> Outcome:
    """An earlier outcome of the slot with every size and label that are wanted now. Blocks."""
    request = requests.get(slot)
    return as_developed(line.wiring.store, outcome) if request is None else _develop(line, request, outcome)


def _develop(line: Line, request: Request, outcome: Outcome) -> Outcome:
    labelling = Labelling(line.wiring.settings.skuflow_content_producer)
    return develop(line.wiring.store, request, outcome, labelling=labelling, visible=line.plan.visible)
