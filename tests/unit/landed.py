"""A storage with folders that landed, and the record of them, under a clock that tests turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL, Bucket
from skuflow.catalog.arrivals.states import ArrivalFolder, FolderState
from skuflow.catalog.arrivals.sweeping import Sweeper
from skuflow.ledger.engine import open_engine
from skuflow.storage.folder import FolderStore
from tests.money import Clock, sqlite_url

SETTLE_S = 20.0
PHOTO = b"\xff\xd8\xff not looked into"


@dataclass
class Landing:
    """``store`` holds what landed, ``book`` knows of it. Time stands still but for ``clock.turn``."""

    store: FolderStore
    book: ArrivalBook
    clock: Clock
    sweeper: Sweeper = field(init=False)

    def __post_init__(self) -> None:
        self.sweeper = Sweeper(self.store, self.book)

    def put(self, key: str, data: bytes = PHOTO) -> None:
        self.store.put(f"incoming/{key}", data, "application/octet-stream")

    def put_product(self, folder: str, *photos: str, sku: str = "", **fields: object) -> None:
        """A whole product.json; ``photos`` are named in it and not put."""
        row = {"sku": sku or folder, "title": "Ceramic mug", "images": list(photos), **fields}
        self.put(f"{folder}/product.json", json.dumps(row).encode())

    def settle(self) -> None:
        """Sweep, let the time of settling pass, and look."""
        self.sweep()
        self.clock.turn(seconds=SETTLE_S)
        self.look()

    def sweep(self) -> int:
        self.clock.turn(milliseconds=1)
        found = self.sweeper.sweep()
        self.clock.turn(milliseconds=1)
        return found

    def look(self) -> None:
        self.clock.turn(milliseconds=1)
        self.sweeper.look()

    def folder(self, name: str) -> ArrivalFolder:
        found = self.book.folder(name)
        assert found is not None, f"incoming/{name} is not known"
        return found

    def state(self, name: str) -> FolderState:
        return self.folder(name).state

    def note(self, name: str) -> str:
        return self.folder(name).note.en


@contextmanager
def landing(folder: Path, database_url: str = "", bucket: Bucket = LOCAL) -> Iterator[Landing]:
    clock = Clock()
    engine = open_engine(database_url or sqlite_url(folder))
    book = ArrivalBook(engine, bucket, settle_s=SETTLE_S, clock=clock)
    try:
        yield Landing(FolderStore(folder / "storage"), book, clock)
    finally:
        engine.dispose()
