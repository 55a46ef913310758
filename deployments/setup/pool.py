"""The work pool that every deployment of ``prefect.yaml`` names."""

from __future__ import annotations

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectAlreadyExists

from flows.supervisor.household import POOL

__all__ = ["POOL", "make_pool"]


async def make_pool(client: PrefectClient, runs_at_once: int | None) -> None:
    """Create the pool, of type process, where there is none. ``runs_at_once`` becomes its limit; None changes nothing.

    A pool that is there keeps its type, so that one made for Docker or Kubernetes stays what it is.
    """
    try:
        await client.create_work_pool(
            WorkPoolCreate(
                name=POOL,
                type="process",
                description="Runs of skuflow's deployments.",
                concurrency_limit=runs_at_once,
            )
        )
    except ObjectAlreadyExists:
        if runs_at_once is not None:
            await client.update_work_pool(POOL, WorkPoolUpdate(concurrency_limit=runs_at_once))
