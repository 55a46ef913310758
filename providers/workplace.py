"""What providers are built from."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore


@dataclass(frozen=True, slots=True)
class Workplace:
    """Settings, storage and the pool for pixel work."""

    settings: Settings
    store: ObjectStore
    pool: Executor
