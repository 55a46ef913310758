"""The offline provider when several callers look after one job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from providers.offline.provider import OfflineProvider
from skuflow.jobs.contract import JobState
from skuflow.storage.folder import FolderStore
from tests.money import copy_wish


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OfflineProvider]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield OfflineProvider(FolderStore(tmp_path / "store"), tmp_path / "desk", pool)


async def test_polls_at_the_same_time_see_the_same_end(provider: OfflineProvider) -> None:
    handle = await provider.submit(copy_wish(), idempotency_key="job-1")
    statuses = await asyncio.gather(*(provider.poll(handle) for _ in range(3)))
    assert {status.state for status in statuses} == {JobState.SUCCEEDED}
    assert len({status.artifacts for status in statuses}) == 1
    assert await provider.fetch(statuses[0].artifacts[0])
