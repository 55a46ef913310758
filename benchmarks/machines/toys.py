"""Flows that do next to nothing, so that what is measured is Prefect's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from prefect import flow, task


@task
async def touch(number: int) -> int:
    return number


@flow
async def burst(tasks: int) -> int:
    """That many task runs as fast as they go, written into their own record as well."""
    done = await asyncio.gather(*(touch(number) for number in range(tasks)))
    _record("burst", str(len(set(done))))
    return len(done)


@flow
def bell(number: int = 0) -> None:
    """Started by an event."""
    _record("bell", str(number))


def _record(kind: str, what: str) -> None:
    line = f"{kind} {what} {os.getpid()}\n"
    with Path(os.environ["MACHINES_RECORD"]).open("a", encoding="utf-8") as record:
        record.write(line)
