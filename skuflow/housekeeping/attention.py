"""Looks through ledger, arrivals, batches and waiting kits for what only a person can mend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from skuflow.batches.rows import BatchState, ChunkState
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.states import ArrivalFolder, FolderState
from skuflow.housekeeping.concerns import Concern, Kind
from skuflow.housekeeping.left_jobs import Looked
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, RowState, row_from
from skuflow.ledger.schema import batch_chunks, batches, jobs
from skuflow.ledger.transactions import reading
from skuflow.ledger.views import decimal_cny
from skuflow.listing.waiting import WaitingSku, waiting_skus
from skuflow.notices.outbox import Outbox
from skuflow.storage.objects import ObjectStore

DOUBT_FOR = timedelta(minutes=15)
"""So long a job may be in doubt before a person is told: a vendor that can be asked is asked meanwhile."""
RECENTLY = timedelta(hours=24)
WAITS_FOR = timedelta(days=2)
UNSETTLED_FOR = timedelta(hours=6)
UNTAKEN_FOR = timedelta(hours=1)
STUCK_FOR = timedelta(hours=24)
UNDELIVERED_FOR = timedelta(hours=1)
UNFINISHED_FOR = timedelta(hours=24)
"""No vendor works on anything for so long: DashScope gives up after three hours by itself."""
_MOST_NOTES = 5_000
"""Waiting kits looked at: their notes are read one by one."""
_NAMED = 3
_STOPPING = {
    "AuthError": ("does not accept the key; put a valid one into its setting or block", "密钥无效，请更换"),
    "InsufficientBalanceError": ("says that the balance is used up; top it up", "余额不足，请充值"),
}
_CODES_OF_JOBS = {"AUTH_FAILED": "AuthError", "BALANCE_EMPTY": "InsufficientBalanceError"}


def about_jobs(ledger: Ledger, looked: Sequence[Looked], now: datetime) -> list[Concern]:
    """In doubt, lost, turned away, not to be understood, without an end: by provider."""
    found = [*_in_doubt(ledger, now), *_expired(ledger, now)]
    stopped = {concern.subject: concern for concern in _stopped(ledger, now)}
    for one in looked:
        name = one.row.provider
        if one.code in _CODES_OF_JOBS and name not in stopped:
            stopped[name] = _turned_away(name, _CODES_OF_JOBS[one.code])
        if one.code == "PROVIDER_MISSING" and name not in stopped:
            stopped[name] = Concern(
                Kind.PROVIDER,
                name,
                f"{name} has unfinished paid jobs, but no key here; set its key so that they are collected.",
                f"{name} 有未完成的付费任务，但本机没有密钥；请配置密钥以取回结果。",
            )
    unreadable = list(_unreadable(looked))
    said = {*stopped, *(concern.subject for concern in unreadable)}
    endless = [concern for concern in _unfinished(ledger, now) if concern.subject not in said]
    return [*found, *stopped.values(), *unreadable, *endless]


def about_waiting(ledger: Ledger, store: ObjectStore, now: datetime) -> list[Concern]:
    """Kits that wait for a part since days. Reads a note of storage for each waiting kit: for once a day."""
    since = now - WAITS_FOR
    waiting = [one for one in islice(waiting_skus(store), _MOST_NOTES) if (_moment(one) or now) < since]
    if not waiting:
        return []
    skus = [one.product.sku for one in waiting]
    used_up = [f"{use.provider}.{use.capability}" for use in ledger.usage() if use.left == 0]
    if ledger.budget_use().left_micro == 0:
        used_up.append("SKUFLOW_BUDGET")
    why = (
        f"used up today: {', '.join(used_up)}"
        if used_up
        else "no cap is used up today; look at the kits' findings"
    )
    why_zh = f"今日已用完：{'、'.join(used_up)}" if used_up else "今日额度未用完，请查看素材包的提示"
    return [
        Concern(
            Kind.WAITING,
            "kits",
            f"{len(skus)} kits have waited for a part for more than {WAITS_FOR.days} days ({_some(skus)}); {why}.",
            f"{len(skus)} 个素材包等待已超过 {WAITS_FOR.days} 天；{why_zh}。",
        )
    ]


def about_arrivals(book: ArrivalBook, now: datetime) -> list[Concern]:
    """Folders below incoming/ that never become whole, were refused, or that no run takes."""
    waiting = [one for one in book.in_state(FolderState.WAITING) if one.changed_at < now - UNSETTLED_FOR]
    found = []
    if waiting:
        found.append(_folders("unsettled", "are not complete", "长时间不完整", waiting))
    if refused := book.in_state(FolderState.REFUSED):
        found.append(_folders("refused", "were refused", "被拒绝", refused))
    since = book.takeable_since()
    if since is not None and since < now - UNTAKEN_FOR:
        found.append(
            Concern(
                Kind.ARRIVALS,
                "untaken",
                f"products have been ready below incoming/ since {since:%Y-%m-%d %H:%M} UTC and no run takes them;"
                " look whether new-listings/arrivals runs in the UI.",
                "incoming/ 下有商品已就绪但无人处理；请检查 new-listings/arrivals 是否在运行。",
            )
        )
    return found


def about_batches(engine: Engine, now: datetime) -> list[Concern]:
    """Batches of which nothing has moved for a day, and chunks that were given up."""
    chunks = sa.select(
        batch_chunks.c.batch_id,
        sa.func.max(batch_chunks.c.updated_at).label("moved_at"),
        sa.func.max(batch_chunks.c.lease_until).label("lease_until"),
    )
    query = (
        chunks.join(batches, batches.c.id == batch_chunks.c.batch_id)
        .where(batches.c.state == BatchState.OPEN.value)
        .group_by(batch_chunks.c.batch_id)
    )
    gone = sa.select(batch_chunks).where(
        batch_chunks.c.state == ChunkState.FAILED.value, batch_chunks.c.updated_at > now - RECENTLY
    )
    with reading(engine) as connection:
        stuck = [
            row.batch_id
            for row in connection.execute(query)
            if row.moved_at < now - STUCK_FOR and (row.lease_until is None or row.lease_until < now)
        ]
        given_up = connection.execute(gone).all()
    return [
        *(
            Concern(
                Kind.BATCH,
                batch_id,
                f"nothing of batch {batch_id} has moved for a day; look whether a worker of the pool skuflow runs.",
                f"批次 {batch_id} 已一天没有进展；请检查 skuflow 工作池的 worker 是否在运行。",
            )
            for batch_id in stuck
        ),
        *(
            Concern(
                Kind.BATCH,
                f"{row.batch_id}/{row.no}",
                f"chunk {row.no} of batch {row.batch_id} was given up ({row.note}); run its catalog again when that is"
                " mended.",
                f"批次 {row.batch_id} 的第 {row.no} 段已放弃；请排除原因后重新运行该商品表。",
            )
            for row in given_up
        ),
    ]


def about_notices(outbox: Outbox, now: datetime) -> list[Concern]:
    """A back end that takes no notices, while there is time to mend it, and what it lost when there was not."""
    found = []
    lost = outbox.given_up(now - RECENTLY)
    if lost.count:
        found.append(
            Concern(
                Kind.NOTICES,
                "given-up",
                f"{lost.count} notices were given up since SKUFLOW_WEBHOOK_URL took them at no try for a day"
                f" ({lost.error}); mend that, then run python -m skuflow.notices --again.",
                f"SKUFLOW_WEBHOOK_URL 一天内始终未接收，已放弃 {lost.count} 条通知；"
                "请修复后运行 python -m skuflow.notices --again。",
            )
        )
    waiting = outbox.untaken(now - UNDELIVERED_FOR)
    if waiting.count and waiting.since is not None:
        found.append(
            Concern(
                Kind.NOTICES,
                "untaken",
                f"SKUFLOW_WEBHOOK_URL has not taken {waiting.count} notices, the oldest of"
                f" {waiting.since:%Y-%m-%d %H:%M} UTC ({waiting.error}); look after your back end: each is given up"
                " a day after it was written.",
                f"SKUFLOW_WEBHOOK_URL 未接收 {waiting.count} 条通知；请检查后端，每条通知一天后放弃。",
            )
        )
    return found


def _in_doubt(ledger: Ledger, now: datetime) -> Iterator[Concern]:
    doubtful = [
        row
        for row in ledger.iter_jobs(RowState.IN_DOUBT)
        if (row.submitting_at or row.created_at) < now - DOUBT_FOR
    ]
    for provider, rows in _by_provider(doubtful):
        held = decimal_cny(sum(row.held_micro for row in rows))
        yield Concern(
            Kind.IN_DOUBT,
            provider,
            f"nobody knows whether {provider} accepted {_count(rows)}, for which {held} CNY are held; look in its"
            f" console and say so to skuflow resolve ({_some([row.key for row in rows])}).",
            f"{provider} 有 {len(rows)} 个任务不确定是否已受理，占用 {held} 元；请在控制台核对后运行 skuflow resolve。",
        )


def _expired(ledger: Ledger, now: datetime) -> Iterator[Concern]:
    query = sa.select(jobs).where(
        jobs.c.state == RowState.EXPIRED.value, jobs.c.paid, jobs.c.settled_at > now - RECENTLY
    )
    with reading(ledger.engine) as connection:
        lost = [row_from(columns) for columns in connection.execute(query.order_by(jobs.c.settled_at))]
    for provider, rows in _by_provider(lost):
        spent = decimal_cny(sum(row.settled_micro for row in rows))
        names = [f"{row.sku}:{row.part}" for row in rows]
        yield Concern(
            Kind.EXPIRED,
            provider,
            f"{provider} no longer has the results of {_count(rows)}, which cost {spent} CNY; buy them again"
            f" if they matter (form: Make again, command line: --remake): {_some(names)}.",
            f"{provider} 已不再保存 {len(rows)} 个付费结果（{spent} 元）；"
            "如需可重新购买（表单“重做”栏，命令行 --remake）。",
        )


def _stopped(ledger: Ledger, now: datetime) -> Iterator[Concern]:
    """Providers whose last word was that key or balance is not good."""
    # By day first, which is indexed: the table holds every job there ever was.
    lately = jobs.c.day >= ledger.limits.day_of(now - 3 * RECENTLY)
    refusals = (
        sa.select(jobs.c.provider, jobs.c.error_class, jobs.c.updated_at)
        .where(lately, jobs.c.error_class.in_(_STOPPING), jobs.c.updated_at > now - RECENTLY)
        .order_by(jobs.c.updated_at)
    )
    accepted = sa.select(jobs.c.provider, sa.func.max(jobs.c.submitted_at).label("at")).where(
        lately, jobs.c.submitted_at > now - RECENTLY
    )
    with reading(ledger.engine) as connection:
        last = {row.provider: row for row in connection.execute(refusals)}
        good = {row.provider: row.at for row in connection.execute(accepted.group_by(jobs.c.provider))}
    for provider, row in last.items():
        if provider not in good or good[provider] < row.updated_at:
            yield _turned_away(provider, row.error_class)


def _turned_away(provider: str, error_class: str) -> Concern:
    en, zh = _STOPPING[error_class]
    return Concern(Kind.PROVIDER, provider, f"{provider} {en}.", f"{provider}：{zh}。")


def _unreadable(looked: Sequence[Looked]) -> Iterator[Concern]:
    strange = [one for one in looked if one.code in ("UNEXPECTED_RESPONSE", "TROUBLE") and not one.moved]
    by_provider: dict[str, list[Looked]] = defaultdict(list)
    for one in strange:
        by_provider[one.row.provider].append(one)
    for provider, those in by_provider.items():
        yield Concern(
            Kind.UNREADABLE,
            provider,
            f"{_count([one.row for one in those])} at {provider} cannot be collected ({those[0].sentence}); the money"
            " stays held until that is mended.",
            f"{provider} 有 {len(those)} 个任务无法取回结果；请查看日志并排除原因，期间款项保持占用。",
        )


def _unfinished(ledger: Ledger, now: datetime) -> Iterator[Concern]:
    old = [
        row
        for row in ledger.iter_jobs(RowState.SUBMITTED)
        if (row.submitted_at or row.created_at) < now - UNFINISHED_FOR
    ]
    for provider, rows in _by_provider(old):
        held = decimal_cny(sum(row.held_micro for row in rows))
        yield Concern(
            Kind.UNFINISHED,
            provider,
            f"{provider} has had {_count(rows)} for more than a day and brings them to no end, for which {held} CNY"
            f" are held; look in its console, or ask its support ({_some([row.vendor_job_id for row in rows])}).",
            f"{provider} 有 {len(rows)} 个任务超过一天仍未结束，占用 {held} 元；请在其控制台查看或联系客服。",
        )


def _folders(subject: str, what: str, what_zh: str, folders: Sequence[ArrivalFolder]) -> Concern:
    first = folders[0]
    return Concern(
        Kind.ARRIVALS,
        subject,
        f"{len(folders)} folders below incoming/ {what} ({_some([one.folder for one in folders])}); the first:"
        f" {first.note.en}.",
        f"incoming/ 下有 {len(folders)} 个文件夹{what_zh}；首个：{first.note.zh}。",
    )


def _by_provider(rows: Iterable[JobRow]) -> list[tuple[str, list[JobRow]]]:
    grouped: dict[str, list[JobRow]] = defaultdict(list)
    for row in rows:
        grouped[row.provider].append(row)
    return sorted(grouped.items())


def _count(rows: Sequence[JobRow]) -> str:
    return "1 job" if len(rows) == 1 else f"{len(rows)} jobs"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _moment(waiting: WaitingSku) -> datetime | None:
    try:
        moment = datetime.fromisoformat(waiting.since)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
