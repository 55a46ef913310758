"""A batch as a table and its costs as Markdown, from light results that come one after the other."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from skuflow.batches.results import COMPLETE, SkuResult
from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.spending import Spent
from skuflow.ledger.views import BudgetUse, CapUse
from skuflow.listing.kit import KitStatus
from skuflow.review.figures import duration_text, money
from skuflow.review.markdown_text import (
    SIZE_LIMIT_BYTES,
    both,
    cell,
    joined,
    moment,
    plain,
    table,
    yuan,
)
from skuflow.review.outfiles import harmless
from skuflow.review.reason_words import trouble_words
from skuflow.review.wording import name_of

ROWS_WHOLE = 500
"""A batch of more SKUs shows the worst ``ROWS_OF_LONG`` of them."""
ROWS_OF_LONG = 200
CSV_COLUMNS = (
    "sku",
    "title",
    "status",
    "score_overall",
    "score_copy",
    "score_images",
    "score_video",
    "cost_estimated",
    "cost_settled",
    "currency",
    "parts_made",
    "parts_kept",
    "seconds",
    "reasons",
    "status_zh",
    "reasons_zh",
)

_TITLE_CHARS = 80
_REASON_CHARS = 240
_WORST_FIRST = (KitStatus.FAILED, KitStatus.BLOCKED, KitStatus.DEFERRED, KitStatus.REJECTED)
_PRUNED_FROM = 4 * ROWS_OF_LONG


@dataclass
class BatchTally:
    """What a batch comes to. ``add`` each result once; of a long batch only the worst are kept in memory."""

    skus: int = 0
    complete: int = 0
    by_status: Counter[str] = field(default_factory=Counter)
    made: int = 0
    kept: int = 0
    seconds: float = 0.0
    _whole: list[SkuResult] | None = field(default_factory=list)
    _worst: list[SkuResult] = field(default_factory=list)

    def add(self, result: SkuResult) -> None:
        self.skus += 1
        self.complete += result.complete
        self.by_status[result.status] += 1
        self.made += result.made
        self.kept += result.kept
        self.seconds += result.seconds or 0.0
        self._worst.append(result)
        if self._whole is not None:
            self._whole.append(result)
            if len(self._whole) > ROWS_WHOLE:
                self._whole = None
        if len(self._worst) >= max(_PRUNED_FROM, ROWS_WHOLE):
            self._prune()

    @property
    def is_cut(self) -> bool:
        return len(self.rows()) < self.skus

    def rows(self) -> list[dict[str, str]]:
        """Rows of the table, every cell text: what a person must see first, the rest in the order it came in; of a
        long batch the worst only. Together smaller than an artifact may be.
        """
        if self._whole is not None:
            whole = [result_row(one) for one in sorted(self._whole, key=lambda one: _badness(one)[0])]
            if _size_bytes(whole) < SIZE_LIMIT_BYTES:
                return whole
        self._prune()
        rows = [result_row(one) for one in self._worst]
        while _size_bytes(rows) >= SIZE_LIMIT_BYTES:
            del rows[len(rows) * 3 // 4 :]
        return rows

    def _prune(self) -> None:
        self._worst.sort(key=_badness)
        del self._worst[ROWS_OF_LONG:]


def result_row(result: SkuResult) -> dict[str, str]:
    """One SKU of the table."""
    reasons = [
        *(f"{found.message} {found.message_zh}".strip() for found in result.refusals),
        *(both(trouble_words(text)) for text in result.troubles),
    ]
    return {
        "SKU": cell(result.sku, _TITLE_CHARS),
        "Status 状态": both(name_of("status", result.status)),
        "Score 评分": "–" if result.scores.overall is None else f"{result.scores.overall:.0f}",
        # Before what can wait: a screen shows the columns on the left, and Prefect does not break lines.
        "Why 原因": cell("; ".join(reasons), _REASON_CHARS),
        "Cost 费用": money(result.cost.settled),
        "Made / kept 新做 / 保留": f"{result.made} / {result.kept}",
        "Product 商品": cell(result.title, _TITLE_CHARS),
        "Time 用时": "–" if result.seconds is None else duration_text(result.seconds),
    }


def csv_lines(results: Iterable[SkuResult]) -> Iterator[bytes]:
    """The table of all results as the lines of a file that Excel opens: UTF-8 with a byte order mark, CRLF."""
    line = io.StringIO(newline="")
    writer = csv.DictWriter(line, CSV_COLUMNS)
    writer.writeheader()
    yield line.getvalue().encode("utf-8-sig")
    for result in results:
        line.seek(0)
        line.truncate()
        writer.writerow({column: harmless(cell) for column, cell in _cells(result).items()})
        yield line.getvalue().encode()


def _cells(result: SkuResult) -> dict[str, str]:
    scores = result.scores
    values = (scores.overall, scores.copy_, scores.images, scores.video)
    figures = ["" if value is None else f"{value:.1f}" for value in values]
    seconds = "" if result.seconds is None else f"{result.seconds:.1f}"
    cost = result.cost
    cells = (
        result.sku,
        result.title,
        result.status,
        *figures,
        cost.estimated,
        cost.settled,
        cost.currency,
        str(result.made),
        str(result.kept),
        seconds,
        "; ".join(result.reasons),
        name_of("status", result.status).zh,
        "; ".join(_reasons_zh(result)),
    )
    return dict(zip(CSV_COLUMNS, cells, strict=True))


def _reasons_zh(result: SkuResult) -> list[str]:
    return [
        *(found.message_zh or found.message for found in result.refusals),
        *(trouble_words(text).zh for text in result.troubles),
    ]


def _badness(result: SkuResult) -> tuple[int, float]:
    """The worst first: not made, then blocked, then waiting, then made, each from the lowest score up."""
    rank = (
        _WORST_FIRST.index(KitStatus(result.status))
        if result.status in _WORST_FIRST
        else len(_WORST_FIRST)
        if result.status in COMPLETE
        else 0
    )
    return rank, result.scores.overall if result.scores.overall is not None else -1.0


def _size_bytes(rows: list[dict[str, str]]) -> int:
    return len(json.dumps(rows).encode())


@dataclass(frozen=True, slots=True)
class BatchMoney:
    """``here``: for what this batch's run ordered; ``ever``: all that its SKUs cost so far. ``caps`` and ``budget`` are
    those of ``day``, for everything that runs.
    """

    here: tuple[Spent, ...]
    ever: tuple[Spent, ...]
    caps: tuple[CapUse, ...]
    budget: BudgetUse
    day: date
    outsourcing_micro: MicroCNY


def cost_markdown(
    title: str, skus: int, complete: int, sums: BatchMoney, zone: ZoneInfo, table_at: str = ""
) -> str:
    """What a batch cost: by vendor, against the day's caps and budget, and against an agency.

    ``table_at``: Markdown that says where the table of all its SKUs is.
    """
    settled, held = _settled(sums.here), sum(one.held_micro for one in sums.here)
    held_words = f", {yuan(held)} held 暂扣" if held else ""
    return joined(
        (
            [
                f"## Costs 费用: {plain(title)}",
                "",
                f"**{yuan(settled)}** paid in this run 本次已付{held_words} · {skus} SKUs, {complete} complete 已完成",
                *(["", f"All SKUs 全部 SKU: {table_at}"] if table_at else []),
            ],
            ["### By vendor 按供应商", "", *spent_table(sums.here, sums.ever)],
            caps_lines(sums.caps, sums.budget, sums.day, zone),
            _agency(complete, sums),
        )
    )


def spent_table(here: Sequence[Spent], ever: Sequence[Spent] | None = None) -> list[str]:
    """A row for each provider and capability, and their sum; ``ever`` adds a column for all runs."""
    known = {(one.provider, one.capability, one.paid): one for one in here}
    keys = sorted(known.keys() | {(one.provider, one.capability, one.paid) for one in ever or ()})
    if not keys:
        return ["No vendor was asked for anything. 没有向任何供应商下单。"]
    total = {(one.provider, one.capability, one.paid): one for one in ever or ()}
    head = [
        "Vendor 供应商",
        "Work 工作",
        "Made 件数",
        "Tries 次数",
        "Estimate 预估",
        "Paid 已付",
        "Held 暂扣",
    ]
    rows = []
    for key in keys:
        one = known.get(key, Spent(*key))
        names = (both(name_of("provider", one.provider)), both(name_of("capability", one.capability)))
        cells = [*map(plain, names), f"{one.parts:,}", f"{one.attempts:,}", *_amounts([one])]
        rows.append(cells if ever is None else [*cells, yuan(total.get(key, Spent(*key)).settled_micro)])
    sums = [
        "**Total 合计**",
        "",
        f"{sum(one.parts for one in here):,}",
        f"{sum(one.attempts for one in here):,}",
        *(f"**{amount}**" for amount in _amounts(here)),
    ]
    rows.append(sums if ever is None else [*sums, f"**{yuan(_settled(ever))}**"])
    lines = table(head if ever is None else [*head, "Ever 累计"], rows, right=range(2, len(head) + 1))
    wasted, doubt = sum(one.wasted_micro for one in here), sum(one.doubt_micro for one in here)
    if wasted:
        lines += ["", f"{yuan(wasted)} of what was paid made nothing 失败仍收费."]
    if doubt:
        lines += ["", f"{yuan(doubt)} of what is held is in doubt 待核实: `skuflow jobs --state in_doubt`."]
    return lines


def caps_lines(caps: Sequence[CapUse], budget: BudgetUse, day: date, zone: ZoneInfo) -> list[str]:
    """The budget and the caps of a day."""
    used = budget.settled_micro + budget.held_micro
    if budget.limit_micro is None or budget.left_micro is None:
        line = f"Budget 预算: {yuan(used)}, no limit 不限"
    else:
        line = f"Budget 预算: **{yuan(used)}** of 共 {yuan(budget.limit_micro)}, {yuan(budget.left_micro)} left 剩余"
    lines = [f"### Day {day} 当日额度", "", f"{line} (until 至 {moment(budget.resets_at, zone)})."]
    limited = [cap for cap in caps if cap.limit is not None]
    if limited:
        rows = [
            (
                plain(both(name_of("provider", cap.provider))),
                plain(both(name_of("capability", cap.capability))),
                f"{cap.used:,}",
                f"{cap.limit:,}",
                f"{cap.left:,}" if cap.left else "**0 · reached 已用完**",
            )
            for cap in limited
        ]
        head = ("Vendor 供应商", "Work 工作", "Used 已用", "Cap 上限", "Left 剩余")
        lines += ["", *table(head, rows, right=(2, 3, 4))]
    return lines


def _agency(complete: int, sums: BatchMoney) -> list[str]:
    lines = ["### Against an agency 与外包相比", ""]
    if not complete:
        return [*lines, "No kit is complete yet. 还没有完成的素材包。"]
    ours, theirs = _settled(sums.ever), complete * sums.outsourcing_micro
    saved = theirs - ours
    rows = [
        ("Paid for these SKUs so far, failures included 历次已付（含失败）", yuan(ours)),
        (
            f"An agency, {complete:,} kits at {yuan(sums.outsourcing_micro)} 外包 {complete:,} 个素材包",
            yuan(theirs),
        ),
        (
            "**Saved 节省**" if saved >= 0 else "**More than the agency 比外包多花**",
            f"**{yuan(abs(saved))}**",
        ),
    ]
    return [*lines, *table(("", "CNY"), rows, right=(1,))]


def _amounts(spent: Sequence[Spent]) -> tuple[str, str, str]:
    held = sum(one.held_micro for one in spent)
    return yuan(sum(one.estimated_micro for one in spent)), yuan(_settled(spent)), yuan(held) if held else "–"


def _settled(spent: Sequence[Spent]) -> MicroCNY:
    return sum(one.settled_micro for one in spent)
