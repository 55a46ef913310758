"""Artifacts are for people to look at: trouble with them never decides what becomes of a kit or a run."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from prefect import get_run_logger

T = TypeVar("T")


async def show(artifact: Awaitable[T]) -> T | None:
    """Await the creation of an artifact; a failure is a warning in the run's log."""
    try:
        return await artifact
    except Exception:
        # Prefect's server may be away or refuse a text; the kit is in storage all the same.
        get_run_logger().warning("an artifact could not be written", exc_info=True)
        return None
