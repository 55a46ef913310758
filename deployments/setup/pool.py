"""The work pool of every deployment of ``prefect.yaml``, and its two queues.

Upkeep has a queue of its own: a janitor that waited behind long batches would let paid videos expire at the vendor.
"""

from __future__ import annotations

from contextlib import suppress

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectAlreadyExists

from flows.supervisor.household import POOL

__all__ = ["POOL", "UPKEEP", "make_pool"]

UPKEEP = "upkeep"
"""The queue of the janitor and the daily report."""
UPKEEP_RUNS_AT_ONCE = 2


async def make_pool(client: PrefectClient, runs_at_once: int | None) -> None:
    """Create the pool, of type process, and the queue of upkeep where they are not there. ``runs_at_once`` becomes the
    limit of the pool's usual queue; None changes nothing.

    A pool that is there keeps its type, so that one made for Docker or Kubernetes stays what it is.
    """
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(
            WorkPoolCreate(name=POOL, type="process", description="Runs of skuflow's deployments.")
        )
    with suppress(ObjectAlreadyExists):
        # The usual queue has the first priority too; what is asked for of either is done as it comes.
        await client.create_work_queue(
            name=UPKEEP,
            work_pool_name=POOL,
            description="Janitor and daily report, beside whatever else runs.",
            concurrency_limit=UPKEEP_RUNS_AT_ONCE,
            priority=1,
        )
    if runs_at_once is not None:
        pool = await client.read_work_pool(POOL)
        assert pool.default_queue_id is not None
        await client.update_work_queue(pool.default_queue_id, concurrency_limit=runs_at_once)
        # A limit of the whole pool would hold upkeep up.
        await client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=None))
