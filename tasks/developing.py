"""What follows a paid result in the same stage: the sizes that the studio makes of a vendor's picture or video."""

from __future__ import annotations

from skuflow.jobs.contract import Request
from skuflow.jobs.outcome import Outcome
from skuflow.listing.developing import develop
from skuflow.studio.labels.labelling import Labelling
from tasks.line import Line


async def developed(line: Line, request: Request, outcome: Outcome) -> Outcome:
    """The outcome with every size that its request needs, in the pixel pool."""
    return await line.wiring.in_pool(
        develop,
        line.wiring.store,
        request,
        outcome,
        labelling=Labelling(line.wiring.settings.skuflow_content_producer),
        visible=line.plan.visible,
    )
