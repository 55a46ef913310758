"""The folder that ``skuflow run`` leaves: kits as they are made, then gallery and summary, one kit at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from skuflow.batches.results import SkuResult
from skuflow.listing.assembly import read_kit
from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.cards import KitEntry
from skuflow.review.export import KIT_FILE, ExportError, export_kit
from skuflow.review.gallery import RunSummary, write_gallery
from skuflow.review.summary import summarised
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore, StorageError


class Exporter:
    """Brings kits to ``out`` as soon as they are there; thread-safe. A kit that cannot be exported is remembered with
    the reason, and tried once more at the end.
    """

    def __init__(self, store: ObjectStore, out: Path) -> None:
        self._store = store
        self._out = out
        self._failures: dict[str, str] = {}
        self._lock = threading.Lock()

    def export(self, kit: Kit) -> None:
        """Never raises what storage or the folder raise."""
        try:
            export_kit(kit, self._store, self._out)
        except (ExportError, StorageError, OSError) as error:
            with self._lock:
                self._failures[kit.sku] = f"the kit cannot be exported: {error}"
        else:
            with self._lock:
                self._failures.pop(kit.sku, None)

    def checked(self, result: SkuResult) -> SkuResult:
        """The result, as failed with the reason where the kit could not be exported."""
        reason = self._failures.get(result.sku)
        if reason is None:
            return result
        return result.model_copy(
            update={
                "status": KitStatus.FAILED.value,
                "error": reason,
                "troubles": (reason, *result.troubles),
            }
        )

    def finish(
        self, results: Sequence[SkuResult], catalog: str, started: datetime, wall_s: float
    ) -> tuple[tuple[SkuResult, ...], Path]:
        """Write the gallery over all kits in the folder, those of this run first, and summary.csv.

        Returns the results as ``checked``, and the gallery's first page. Raises OSError.
        """
        for sku in tuple(self._failures):
            self._try_again(sku)
        checked = tuple(self.checked(result) for result in results)
        run = RunSummary(
            catalog=catalog,
            started_at=minute(started),
            made=sum(result.made > 0 for result in checked),
            kept=sum(result.complete and result.made == 0 for result in checked),
            wall_s=wall_s,
        )
        entries = summarised(self._entries(checked), self._out)
        return checked, write_gallery(entries, self._out, title="skuflow", run=run)

    def _try_again(self, sku: str) -> None:
        try:
            kit = read_kit(sku, self._store)
        except StorageError:
            return
        if kit is not None:
            self.export(kit)

    def _entries(self, results: Sequence[SkuResult]) -> Iterator[KitEntry]:
        shown: set[str] = set()
        for result in results:
            slug = sku_slug(result.sku)
            if not result.has_kit or result.error or slug in shown:
                continue
            shown.add(slug)
            yield from _entry(self._out / slug / KIT_FILE, result.seconds)
        for path in sorted(self._out.glob(f"*/{KIT_FILE}")):
            if path.parent.name not in shown:
                yield from _entry(path, None)


def _entry(path: Path, seconds: float | None) -> Iterator[KitEntry]:
    try:
        yield KitEntry(Kit.model_validate_json(path.read_bytes()), seconds)
    except (OSError, ValueError):
        # Somebody else's file, or one of another version: not ours to show.
        return


def minute(moment: datetime) -> str:
    """A moment as people are shown it."""
    return moment.strftime("%Y-%m-%d %H:%M")
