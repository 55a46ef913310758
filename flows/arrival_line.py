"""Working off what landed: folders are claimed, read, made and closed, round after round until nothing is left."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flows.arrived_order import TOGETHER, ArrivedOrder, FolderEnd, end_of, left_to_batch, order_of
from flows.kit_reports import BatchReport
from flows.long_tables import failed_since, in_work, rest_of, run_of_listing, run_of_table
from flows.order import Order, judging_wanted, shop_of
from flows.wishes import Wishes
from skuflow.batches.history import batches_of_run, was_cancelled
from skuflow.batches.results import SkuResult
from skuflow.batches.rows import BatchRow
from skuflow.catalog.arrivals import sentences
from skuflow.catalog.arrivals.book import MAX_ATTEMPTS, ArrivalBook
from skuflow.catalog.arrivals.keys import bucket_of
from skuflow.catalog.arrivals.listing import list_folder, prefix_of
from skuflow.catalog.arrivals.reading import ArrivedProducts, read_folder, remove_old_copies
from skuflow.catalog.arrivals.settling import CatalogRefusedError
from skuflow.catalog.arrivals.states import FoundBy, Sentence, TakenFolder
from skuflow.catalog.arrivals.sweeping import Sweeper
from skuflow.catalog.remote_photos import web_fetch
from skuflow.ledger import owners
from skuflow.ledger.heartbeat import Heartbeat
from skuflow.ledger.outages import is_away
from skuflow.ledger.redaction import redacted
from skuflow.listing.brief import BriefError
from skuflow.listing.findings import Finding
from skuflow.review.markdown_text import side_by_side
from skuflow.review.wording import Wording
from skuflow.storage.objects import StorageError
from tasks.wiring import Wiring

MOST_SKUS = 2000
"""After so many SKUs a run ends and leaves the rest to the next, lest one run go on for days."""
_PATIENCE_ROUNDS = 5
"""How often in a row a run waits for a folder to settle before it leaves it to the next run."""
_STORAGE_MENDS_S = 60.0
"""A folder of which a file cannot be had is looked at again so much later."""

_log = logging.getLogger(__name__)


Make = Callable[[Wiring, Order, Wishes], Awaitable[object]]
"""``flows.new_listings.make_listings``; a state instead of a report where the order is left to other runs."""


@dataclass(slots=True)
class ArrivalsReport:
    """What became of a run's SKUs. ``refused``: folders that a person must put in order, with why. ``left``: folders
    that were handed to a batch of their own.
    """

    results: list[SkuResult] = field(default_factory=list)
    loose_findings: list[Finding] = field(default_factory=list)
    folders: int = 0
    refused: list[tuple[str, Sentence]] = field(default_factory=list)
    left: int = 0

    def told_of_refused(self) -> list[str]:
        """What a run says of refused folders, in English and Chinese: the first with its reason. Empty without any."""
        if not self.refused:
            return []
        folder, note = self.refused[0]
        place = prefix_of(folder).rstrip("/")
        en = f"{len(self.refused)} refused, such as {place}: {redacted(note.en)}"
        zh = f"{len(self.refused)} 个文件夹被拒，如 {place}：{redacted(note.zh)}"
        if len(self.refused) > 1:
            en, zh = f"{en} (the others stand in the daily report)", f"{zh}；其余见日报"
        return [side_by_side(Wording(en, zh))]


def book_of(wiring: Wiring) -> ArrivalBook:
    """The record of arrivals of the wiring's storage, in the wiring's database."""
    settings = wiring.settings
    return ArrivalBook(wiring.ledger.engine, bucket_of(settings), settle_s=settings.skuflow_settle_s)


async def work_off_arrivals(
    wiring: Wiring,
    wishes: Wishes,
    make: Make,
    run_id: str = "",
    *,
    most_skus: int = MOST_SKUS,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ArrivalsReport:
    """Sweep ``incoming/``, then make what is whole until nothing is left, or ``most_skus`` are done. Waits for folders
    that are about to settle.

    Raises BriefError where the wishes name SKUs, and StorageError where storage cannot be listed.
    """
    if wishes.skus or wishes.remake:
        raise BriefError(
            "arrivals are made as they land; leave SKUs and remakes empty",
            message_zh="新到商品随到随做；请将 skus 与重做两栏留空",
        )
    line = _Line(wiring, wishes, make, run_id, book_of(wiring))
    sweeper = Sweeper(wiring.store, line.book)
    await asyncio.to_thread(remove_old_copies, line.copies)
    await asyncio.to_thread(sweeper.sweep)
    waited = 0
    while len(line.report.results) < most_skus:
        await asyncio.to_thread(sweeper.look)
        ended = line.ended
        if await line.round() and line.ended > ended:
            waited = 0
            continue
        soon_s = await asyncio.to_thread(_soon_s, line.book, wiring.settings.skuflow_settle_s)
        if soon_s is None or waited >= _PATIENCE_ROUNDS:
            break
        waited += 1
        await sleep(soon_s)
    return line.report


def _soon_s(book: ArrivalBook, settle_s: float) -> float | None:
    """Seconds until the next folder may be looked at; None where that is not within the time of settling."""
    at = book.next_look_at()
    if at is None:
        return None
    ahead_s = (at - book.clock()).total_seconds()
    return max(0.2, ahead_s) if ahead_s <= settle_s + 1 else None


class _Line:
    def __init__(self, wiring: Wiring, wishes: Wishes, make: Make, run_id: str, book: ArrivalBook) -> None:
        self.report = ArrivalsReport()
        self.book = book
        self.copies = wiring.settings.skuflow_home / "arrivals"
        self._wiring = wiring
        self._wishes = wishes
        self._make = make
        self._run_id = run_id
        self._chunk = wiring.settings.skuflow_chunk_skus
        self._open: dict[str, TakenFolder] = {}
        self._others: dict[str, Mapping[str, int]] = {}

    @property
    def ended(self) -> int:
        """How many folders have come to an end, good or bad, and were not merely given back."""
        return self.report.folders + len(self.report.refused)

    async def round(self) -> bool:
        """Claim folders and work them off; False where there are none to be had."""
        taken = await asyncio.to_thread(self.book.take, owners.this_process(), self._chunk)
        self._open = {claim.folder: claim for claim in taken}
        self._others = {}
        counted = True
        try:
            with Heartbeat(self._renew, self.book.lease_s / 3):
                async for group in self._groups(taken):
                    await self._work_off(group)
        except asyncio.CancelledError:
            counted = False
            raise
        except Exception as error:
            counted = not is_away(error)
            raise
        finally:
            # What is still open was not worked off: stopped, or broken off by an error that ends the run.
            for claim in tuple(self._open.values()):
                self.book.release(claim, counted=counted)
        return bool(taken)

    def _renew(self) -> None:
        for folder in self.book.renew(tuple(self._open.values())):
            _log.warning("incoming/%s has been taken over by another run", folder)

    async def _groups(self, taken: Sequence[TakenFolder]) -> AsyncIterator[list[ArrivedProducts]]:
        """Folders with as many SKUs together as a chunk has; one that has more comes alone."""
        group: list[ArrivedProducts] = []
        skus = 0
        for claim in taken:
            folder = await asyncio.to_thread(self._read, claim)
            if folder is None:
                continue
            if group and skus + len(folder.skus) > self._chunk:
                yield group
                group, skus = [], 0
            group.append(folder)
            skus += len(folder.skus)
        if group:
            yield group

    def _read(self, claim: TakenFolder) -> ArrivedProducts | None:
        """The folder's products; None where it has been given back or refused, or is in work already."""
        try:
            listing = list_folder(self._wiring.store, claim.folder, self.book.clock())
            if self.book.observe([listing], FoundBy.SWEEP):
                self._give_back(claim)
                return None
            # Before anything is read: the photos of thousands of SKUs are not fetched in order to look at a batch.
            cut = batches_of_run(self._wiring.ledger.engine, run_of_listing(listing))
            if (batch := in_work(cut)) is not None:
                self.report.left += 1
                self._end(claim.folder, listing.etags, left_to_batch(batch.skus, self.book.clock()))
                return None
            if self._was_stopped(cut, claim):
                self._refuse(claim, sentences.stopped())
                return None
            read = read_folder(listing, self._wiring.store, self.copies)
            return self._rest(read, claim, cut) if self._is_long(read) and claim.again else read
        except CatalogRefusedError as error:
            self._refuse(claim, error.sentence)
        except StorageError as error:
            _log.warning("incoming/%s cannot be read for now: %s", claim.folder, error)
            self._give_back(claim, sentences.unreadable(redacted(str(error))), _STORAGE_MENDS_S)
        except Exception as error:
            if is_away(error):
                # Nothing is wrong with the folder.
                raise
            self._wiring.report_crash(claim.folder, "".join(traceback.format_exception(error)))
            self._refuse(claim, sentences.unreadable(f"{type(error).__name__}: {error}"))
        return None

    def _was_stopped(self, cut: Sequence[BatchRow], claim: TakenFolder) -> bool:
        """Whether a person stopped the newest batch of the table as it stands: nothing begins it again by itself."""
        return (
            bool(cut)
            and cut[0].created_at >= claim.changed_at
            and was_cancelled(self._wiring.ledger.engine, cut[0].id)
        )

    def _is_long(self, folder: ArrivedProducts) -> bool:
        return len(folder.skus) > self._chunk

    def _rest(
        self, folder: ArrivedProducts, claim: TakenFolder, cut: Sequence[BatchRow]
    ) -> ArrivedProducts | None:
        """Of a long folder that was made before, what is to be gone on with; None where that was tried too often."""
        now, zone = self.book.clock(), self._wiring.settings.zone
        rest = rest_of(folder, self._wiring.store, cut, now, zone, landed_at=claim.changed_at)
        tries = failed_since(cut, claim.changed_at)
        if self._is_long(rest.folder) and tries >= MAX_ATTEMPTS:
            # Attempts of shorter folders are counted by their claims, which end here before the chunks have.
            self._refuse(claim, sentences.failed_often(tries))
            return None
        self._others[folder.folder] = rest.others
        return rest.folder

    async def _work_off(self, folders: list[ArrivedProducts]) -> None:
        long = len(folders) == 1 and self._is_long(folders[0])
        arrived = await asyncio.to_thread(
            self._order, folders, run_of_table(folders[0].catalog, folders[0].etags) if long else self._run_id
        )
        report: object = BatchReport()
        if arrived.order.skus:
            report = await self._make(self._wiring, arrived.order, self._wishes)
        await asyncio.to_thread(self._close, arrived, report)

    def _order(self, folders: list[ArrivedProducts], run_id: str) -> ArrivedOrder:
        settings = self._wiring.settings
        return order_of(
            folders,
            self._wishes,
            run_id=run_id,
            judged=judging_wanted(settings),
            shop=shop_of(settings),
            store=self._wiring.store,
            landed_lately=self._landed_lately,
            fetch=web_fetch(allow_loopback=settings.skuflow_allow_loopback_links),
            say=self._wiring.progress.say,
        )

    def _landed_lately(self, name: str) -> bool:
        folder = self.book.folder(name)
        return folder is not None and self.book.clock() - folder.changed_at < TOGETHER

    def _close(self, arrived: ArrivedOrder, report: object) -> None:
        made = report if isinstance(report, BatchReport) else BatchReport()
        left = not isinstance(report, BatchReport) or bool(report.batch_id and not report.results)
        results = {result.sku: result for result in made.results}
        self.report.results.extend(made.results)
        self.report.loose_findings.extend(arrived.order.loose_findings)
        now = self.book.clock()
        for folder in arrived.folders:
            conflicts = arrived.conflicts.get(folder.folder, {})
            end = (
                left_to_batch(len(arrived.order.skus), now)
                if left and not conflicts
                else end_of(
                    folder,
                    results,
                    conflicts,
                    now=now,
                    zone=self._wiring.settings.zone,
                    others=self._others.get(folder.folder, {}),
                )
            )
            self.report.left += left
            self._end(folder.folder, folder.etags, end)

    def _end(self, folder: str, etags: Mapping[str, str], end: FolderEnd) -> None:
        claim = self._open[folder]
        if end.refused:
            self._note_refused(claim, end.note)
        elif end.again_at is not None:
            self.book.defer(claim, end.again_at, end.note, etags, counted=end.broken)
        else:
            self.book.done(claim, etags, end.note)
        # What could not be noted is still this run's, to be given back.
        del self._open[folder]
        self.report.folders += 1

    def _refuse(self, claim: TakenFolder, note: Sentence) -> None:
        del self._open[claim.folder]
        self._note_refused(claim, note)

    def _note_refused(self, claim: TakenFolder, note: Sentence) -> None:
        if self.book.refuse(claim, note):
            self.report.refused.append((claim.folder, note))

    def _give_back(self, claim: TakenFolder, why: Sentence | None = None, for_s: float = 0.0) -> None:
        del self._open[claim.folder]
        self.book.release(claim, because=why, for_s=for_s)
