"""The offline provider when several callers look after one job."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from providers.offline.provider import OfflineProvider
from skuflow.jobs.contract import JobState
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError
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


@pytest.mark.parametrize("language", ["zh-Hant", "zh-TW", "it"])
def test_a_language_without_templates_is_a_vendors_work(provider: OfflineProvider, language: str) -> None:
    with pytest.raises(InvalidInputError, match="Choose one of these, or name a text model") as caught:
        provider.estimate(copy_wish(language=language))
    assert caught.value.code == NEEDS_VENDOR


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh-Hans-HK", "pt-BR"])
def test_a_region_does_not_change_what_can_be_written(provider: OfflineProvider, language: str) -> None:
    assert provider.estimate(copy_wish(language=language)) == 0
