"""What nobody needs any more is taken away: by these rules, each with its age, and by nothing else.

No kit, asset, photo, cut-out or ledger row is ever touched. What a waiting kit names is kept whatever its age, and what
runs download for themselves is kept as long as a batch of the same age is open, since its chunks name files of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.batches import Batches
from skuflow.batches.claims import SkuClaims
from skuflow.batches.manifest import BATCHES, remove_objects
from skuflow.batches.rows import BatchState
from skuflow.housekeeping.marks import Marks
from skuflow.ledger.schema import batches
from skuflow.ledger.transactions import reading
from skuflow.listing.waiting import waiting_skus
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore

_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class FolderRule:
    """Files below ``folder`` of SKUFLOW_HOME that were neither written nor read for ``days``. ``named_by_runs``: runs
    may name such a file, so it stays where a waiting kit does, and while a batch is open that is younger.
    """

    folder: str
    days: int
    named_by_runs: bool = False


@dataclass(frozen=True, slots=True)
class StorageRule:
    """Objects below ``prefix`` that were written more than ``days`` ago."""

    prefix: str
    days: int


FOLDER_RULES = (
    FolderRule("doorbells", 1),
    FolderRule("batch-files", 7),
    FolderRule("pasted", 30),
    FolderRule("links", 30, named_by_runs=True),
    FolderRule("catalogs", 30, named_by_runs=True),
    FolderRule("kept-photos", 30, named_by_runs=True),
)
STORAGE_RULES = (StorageRule("published/", 7), StorageRule("doctor/", 1))
WRITING_DAYS = 1
"""Of a folder storage: files of writers that were killed."""
BATCH_DAYS = 7
"""Manifests, results and shipped photos of batches that ended."""
CLAIM_DAYS = 30
MARK_DAYS = 90


@dataclass(frozen=True, slots=True)
class Cleaned:
    """How many things one rule took away, ``what_zh`` in Chinese; ``trouble`` where it could not be followed to its
    end.
    """

    what: str
    count: int
    trouble: str = ""
    what_zh: str = ""


def clean(home: Path, store: ObjectStore, engine: Engine, now: datetime) -> list[Cleaned]:
    """Follow all rules; those that found something or met with trouble. One's trouble does not keep the others."""
    named = cache(lambda: _named_by_waiting_kits(store))
    claims, marks = SkuClaims(engine, clock=lambda: now), Marks(engine, clock=lambda: now)
    rules: list[tuple[str, str, Callable[[], int]]] = [
        *(
            (
                f"{rule.folder}/ of SKUFLOW_HOME",
                f"SKUFLOW_HOME 的 {rule.folder}/",
                lambda rule=rule: _folder(rule, home, named, engine, now),
            )
            for rule in FOLDER_RULES
        ),
        *(
            (
                f"{rule.prefix} of the storage",
                f"存储的 {rule.prefix}",
                lambda rule=rule: _objects(rule, store, now),
            )
            for rule in STORAGE_RULES
        ),
        ("files of killed writers in the storage", "存储中未写完的文件", lambda: _unfinished(store, now)),
        ("objects of batches that ended", "已结束批次的对象", lambda: _ended_batches(store, engine, now)),
        ("claims of SKUs", "SKU 占用记录", lambda: claims.forget(timedelta(days=CLAIM_DAYS))),
        ("marks of janitors", "清理程序的标记", lambda: marks.forget(timedelta(days=MARK_DAYS))),
    ]
    cleaned = [_followed(what, what_zh, rule) for what, what_zh, rule in rules]
    return [one for one in cleaned if one.count or one.trouble]


def _followed(what: str, what_zh: str, rule: Callable[[], int]) -> Cleaned:
    try:
        return Cleaned(what, rule(), what_zh=what_zh)
    except Exception as error:
        # Storage or database may be away; what is left is taken away tomorrow.
        return Cleaned(what, 0, f"{type(error).__name__}: {error}", what_zh)


def _folder(
    rule: FolderRule, home: Path, named: Callable[[], frozenset[Path]], engine: Engine, now: datetime
) -> int:
    top = home.absolute() / rule.folder
    if not top.is_dir():
        return 0
    kept: frozenset[Path] = frozenset()
    if rule.named_by_runs:
        if _has_open_batch(engine, now - timedelta(days=rule.days)):
            return 0
        kept = named()
    before_s = now.timestamp() - rule.days * _DAY_S
    count = 0
    for path, status in _files(top):
        # Where the file system notes no reading, writing alone counts.
        if max(status.st_mtime, status.st_atime) < before_s and path not in kept:
            with suppress(FileNotFoundError):
                path.unlink()
                count += 1
    _remove_empty_folders(top, before_s)
    return count


def _unfinished(store: ObjectStore, now: datetime) -> int:
    if not isinstance(store, FolderStore):
        # OSS keeps parts of unfinished uploads until its own rule takes them away; they are no objects.
        return 0
    before_s = now.timestamp() - WRITING_DAYS * _DAY_S
    count = 0
    for path in store.leftovers():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before_s:
                path.unlink()
                count += 1
    return count


def _objects(rule: StorageRule, store: ObjectStore, now: datetime) -> int:
    before = now - timedelta(days=rule.days)
    old = [entry.key for entry in store.entries(rule.prefix) if entry.modified_at < before]
    for key in old:
        store.delete(key)
    return len(old)


def _ended_batches(store: ObjectStore, engine: Engine, now: datetime) -> int:
    before = now - timedelta(days=BATCH_DAYS)
    known = Batches(engine)
    count = 0
    entries = groupby(store.entries(BATCHES), lambda entry: entry.key.split("/")[1])
    written = [(batch_id, max(entry.modified_at for entry in group)) for batch_id, group in entries]
    for batch_id, written_at in written:
        batch = known.get(batch_id)
        # Without a row: its manifests were written, and the run was killed before the batch was.
        ended_at = written_at if batch is None else batch.updated_at
        if (batch is None or batch.state is not BatchState.OPEN) and max(ended_at, written_at) < before:
            count += remove_objects(store, batch_id)
    return count


def _has_open_batch(engine: Engine, since: datetime) -> bool:
    query = sa.select(batches.c.id).where(
        batches.c.state == BatchState.OPEN.value, batches.c.created_at > since
    )
    with reading(engine) as connection:
        return connection.execute(query.limit(1)).first() is not None


def _named_by_waiting_kits(store: ObjectStore) -> frozenset[Path]:
    return frozenset(
        Path(file).absolute()
        for waiting in waiting_skus(store)
        for file in (
            *waiting.product.images,
            *waiting.product.extras.files,
            *waiting.brief.extras.files,
        )
    )


def _files(top: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for where, _, names in os.walk(top):
        for name in names:
            path = Path(where) / name
            with suppress(FileNotFoundError):
                yield path, path.lstat()


def _remove_empty_folders(top: Path, before_s: float) -> None:
    for where, _, _ in os.walk(top, topdown=False):
        folder = Path(where)
        # A young one may have been made for a file that is just being written. Taking a file away makes it young, too.
        with suppress(OSError):
            if folder != top and folder.stat().st_mtime < before_s:
                folder.rmdir()
