"""Starts the batch as a person or a schedule would: a run of the deployment, to be picked up by a worker."""

from __future__ import annotations

import asyncio
import sys


async def start(catalog: str) -> None:
    from prefect.deployments import arun_deployment

    parameters = {"catalog": catalog}
    await arun_deployment("new-listings/scale", parameters=parameters, timeout=0, as_subflow=False)


if __name__ == "__main__":
    asyncio.run(start(sys.argv[1]))
