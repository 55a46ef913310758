"""The report of top videos in words and rows: the same for Prefect's artifacts and for the terminal."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from flows.top_picks import Decision, Made, Pick, counted
from skuflow.batches.results import SkuResult
from skuflow.insights.explain import explain, money_text
from skuflow.insights.performance import Performance
from skuflow.insights.ranking import Basis, Ranking
from skuflow.jobs.outcome import OutcomeState
from skuflow.ledger.views import decimal_cny
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.kit import Kit, KitStatus
from skuflow.review.kit_links import VALID
from skuflow.review.markdown_text import (
    SIZE_LIMIT_BYTES,
    both,
    bounded,
    cell,
    code,
    joined,
    plain,
    side_by_side,
    table,
)
from skuflow.review.outfiles import harmless
from skuflow.review.wording import Wording, say
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore, StorageError

_FINDINGS_SHOWN = 20
_REASON_CHARS = 600
_STALE_DAYS = 10
"""A weekly export is a week old at most, and consoles lag by some days."""
CSV_COLUMNS = (
    "rank",
    "sku",
    "decision",
    "decision_zh",
    "return",
    "return_low",
    "return_high",
    "return_seen",
    "orders",
    "spend",
    "revenue",
    "currency",
    "impressions",
    "clicks",
    "reason",
    "reason_zh",
)
_SAID = {
    Decision.MAKE: Wording("to be made", "待制作"),
    Decision.HAS_VIDEO: Wording("has its video", "已有视频"),
    Decision.DEFERRED: Wording("deferred to the next day", "延至次日"),
    Decision.PASSED_OVER: Wording("passed over", "跳过"),
    Decision.BELOW: Wording("not among the first", "未入选"),
    Decision.NOT_RANKED: Wording("not ranked", "未排名"),
}
_TOLD = {
    OutcomeState.MADE: Wording("made", "已制作"),
    OutcomeState.WAITING: Wording("wait", "等待中"),
    OutcomeState.FAILED: Wording("failed", "失败"),
}
_STATUS = {
    OutcomeState.MADE: KitStatus.NEEDS_REVIEW,
    OutcomeState.WAITING: KitStatus.DEFERRED,
    OutcomeState.FAILED: KitStatus.FAILED,
}
_BECAME = {
    OutcomeState.MADE: Wording("video made", "视频已制作"),
    OutcomeState.WAITING: Wording("waits", "等待中"),
    OutcomeState.FAILED: Wording("failed", "失败"),
}


@dataclass(frozen=True, slots=True)
class TopReport:
    """Everything a run found out and did. ``made`` by SKU, empty for a dry run; ``settled_micro`` and ``held_micro``
    are what the ledger has settled and holds for this run. ``since`` and ``until``: the days whose figures count.
    """

    figures: Performance
    ranking: Ranking
    picks: tuple[Pick, ...]
    since: date | None = None
    until: date | None = None
    made: Mapping[str, Made] = field(default_factory=dict)
    dry_run: bool = True
    settled_micro: int = 0
    held_micro: int = 0
    goes_on_at: str = ""

    @property
    def complete(self) -> bool:
        """Every picked video is made and every product's figures could be read."""
        return all(one.state is OutcomeState.MADE for one in self.made.values()) and not any(
            product.broken for product in self.figures.products
        )

    @property
    def deferred(self) -> int:
        return counted(self.picks)[Decision.DEFERRED]

    def in_one_line(self) -> str:
        """Such as "50 products ranked; videos: 3 made, 1 wait; 10 have one, 2 deferred"."""
        return self.in_words().en

    def in_words(self) -> Wording:
        """The same in English and Chinese."""
        ranked = sum(one.product.rank is not None for one in self.picks)
        counts = counted(self.picks)
        states = [one.state for one in self.made.values()]
        told = [(states.count(state), words) for state, words in _TOLD.items() if state in states]
        videos = Wording(
            f"videos: {', '.join(f'{count} {words.en}' for count, words in told) or 'none to make'}",
            f"视频：{'、'.join(f'{count} 个{words.zh}' for count, words in told) or '无需制作'}",
        )
        if self.dry_run:
            would = counts[Decision.MAKE]
            videos = Wording(f"{would} videos would be made", f"将制作 {would} 个视频")
        has, later = counts[Decision.HAS_VIDEO], counts[Decision.DEFERRED]
        return Wording(
            f"{ranked} products ranked; {videos.en}; {has} have one, {later} deferred",
            f"{ranked} 个商品参与排名；{videos.zh}；{has} 个已有视频，{later} 个延期",
        )


def decision_of(pick: Pick, made: Mapping[str, Made]) -> Wording:
    """What is done about a product, or what became of it."""
    found = made.get(pick.product.figures.sku)
    return _SAID[pick.decision] if found is None else _BECAME[found.state]


def reason_of(pick: Pick, report: TopReport) -> Wording:
    """Why: what stands in the way where anything does, then how the product's figures are read."""
    found = report.made.get(pick.product.figures.sku)
    first = pick.reason if found is None else found.reason
    why = explain(pick.product, report.ranking, report.figures.currency)
    if not first.en:
        return why
    return Wording(f"{first.en}. {why.en}", f"{first.zh}。{why.zh}")


def top_rows(report: TopReport, store: ObjectStore) -> list[dict[str, str]]:
    """One row per product, every cell text, best first; as many as an artifact may hold."""
    rows: list[dict[str, str]] = []
    left_bytes = SIZE_LIMIT_BYTES
    for pick in report.picks:
        row = _row(pick, report, store)
        left_bytes -= len(json.dumps(row)) + 2
        if left_bytes < 0:
            break
        rows.append(row)
    return rows


def top_csv(report: TopReport) -> bytes:
    """All products as a file that Excel opens: UTF-8 with a byte order mark, CRLF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for pick in report.picks:
        writer.writerow(_csv_cells(pick, report))
    return out.getvalue().encode("utf-8-sig")


def _csv_cells(pick: Pick, report: TopReport) -> tuple[str, ...]:
    product, one = pick.product.figures, pick.product.estimate
    ratios = (one.return_ratio, one.low_ratio, one.high_ratio, one.raw_ratio) if one else (None,) * 4
    decision, reason = decision_of(pick, report.made), reason_of(pick, report)
    return (
        "" if pick.product.rank is None else str(pick.product.rank),
        harmless(product.sku),
        decision.en,
        decision.zh,
        *("" if ratio is None else f"{ratio:.4f}" for ratio in ratios),
        str(product.orders),
        str(product.spend),
        str(product.revenue),
        report.figures.currency,
        str(product.impressions),
        str(product.clicks),
        harmless(reason.en),
        harmless(reason.zh),
    )


def _row(pick: Pick, report: TopReport, store: ObjectStore) -> dict[str, str]:
    product, one, currency = pick.product.figures, pick.product.estimate, report.figures.currency
    decision, reason = decision_of(pick, report.made), reason_of(pick, report)
    # What is decided first: a screen shows the columns on the left, and the reasons are long.
    return {
        "Rank 名次": "–" if pick.product.rank is None else str(pick.product.rank),
        "SKU": cell(product.sku),
        "Decision 决定": f"{decision.en} {decision.zh}",
        "Return 回报": "–" if one is None else f"{one.return_ratio:.2f}",
        "90 % range 区间": "–" if one is None else f"{one.low_ratio:.2f} – {one.high_ratio:.2f}",
        "As seen 原始": "–" if one is None else f"{one.raw_ratio:.2f}",
        "Orders 订单": f"{product.orders:,}",
        "Spend 花费": money_text(product.spend, currency),
        "Revenue 收入": money_text(product.revenue, currency),
        "Kit 素材包": _place(pick, report, store),
        "Why 原因": cell(reason.en, _REASON_CHARS),
        "原因": cell(reason.zh, _REASON_CHARS),
        "Impressions 曝光": f"{product.impressions:,}",
        "Clicks 点击": f"{product.clicks:,}",
    }


def results_of(report: TopReport) -> list[SkuResult]:
    """What became of the products that were to have a video in this run, as of every run that makes kits: deferred and
    failed are those whose video is, though the kit itself is as good as before.
    """
    found = []
    for pick in report.picks:
        sku, made = pick.product.figures.sku, report.made.get(pick.product.figures.sku)
        if made is None and pick.decision is not Decision.DEFERRED:
            continue
        kit = _kit_of(pick, report)
        state = made.state if made is not None else OutcomeState.WAITING
        reason = made.reason if made is not None else pick.reason
        is_made = state is OutcomeState.MADE
        shown = {"scores": kit.scores, "cost": kit.cost} if kit is not None else {}
        found.append(
            SkuResult(
                sku=sku,
                title=kit.product.title if kit is not None else "",
                status=kit.status if is_made and kit is not None else _STATUS[state],
                has_kit=kit is not None,
                made=int(made is not None and made.bought),
                kept=int(is_made and not (made is not None and made.bought)),
                troubles=() if is_made else (f"video:1: {reason.en}",),
                **shown,
            )
        )
    return found


def _place(pick: Pick, report: TopReport, store: ObjectStore) -> str:
    """A link to kit.json, or where it stands: no page of a server may open a machine's files."""
    kit = _kit_of(pick, report)
    if kit is None:
        return ""
    key = kit_key(kit.sku)
    local = store.local_path(key)
    if local is not None:
        return f"`{code(str(local))}`"
    try:
        address = store.url(key, int(VALID.total_seconds()))
    except StorageError:
        # The rank of a product does not hang on its link.
        return ""
    return f"[kit.json]({quote(address, safe=':/?#&=%@+,;~')})"


def _kit_of(pick: Pick, report: TopReport) -> Kit | None:
    found = report.made.get(pick.product.figures.sku)
    if found is not None and found.kit is not None:
        return found.kit
    return pick.standing.kit if pick.standing is not None else None


def top_summary(report: TopReport, table_at: str = "") -> str:
    """The run as Markdown: how it was ranked, what it costs, what is deferred, what was wrong with the figures.

    ``table_at``: Markdown that says where the table of all products is, where the artifact does not show them all.
    """
    text = joined(
        (
            ["## Top videos 优选视频", "", f"{plain(side_by_side(report.in_words()))}"],
            table(("", ""), _facts(report), right=(1,)),
            *([line] for line in _notes(report, table_at)),
            _findings(report.figures.findings),
        )
    )
    return bounded(text, "`skuflow top`")


def _facts(report: TopReport) -> list[tuple[str, str]]:
    counts = counted(report.picks)
    basis = "gross profit 毛利" if report.ranking.basis is Basis.PROFIT else "revenue 收入"
    strength = report.ranking.strength_orders
    weight = f"{strength:.1f}" if strength >= 1 else f"{strength:.2g}"
    to_make = [pick for pick in report.picks if pick.decision is Decision.MAKE]
    facts = [
        ("Figures of 数据日期", _days(report)),
        ("Rows counted · of other days 计入行数 · 其他日期", _rows_counted(report.figures)),
        ("Return is 回报口径", f"{basis} / ad spend 广告花费"),
        ("Mean of the shop 全店均值", f"{report.ranking.shop_ratio:.2f}"),
        ("Weight of the mean 均值权重", f"{weight} orders 单"),
        ("Picked 入选", str(counts[Decision.MAKE])),
        ("Have a video 已有视频", str(counts[Decision.HAS_VIDEO])),
        ("Deferred 延至次日", str(counts[Decision.DEFERRED])),
        ("Passed over 跳过", str(counts[Decision.PASSED_OVER])),
        ("Likely cost 预计费用", f"{decimal_cny(sum(pick.likely_micro for pick in to_make))} CNY"),
        ("At most 最多", f"{decimal_cny(sum(pick.estimate_micro for pick in to_make))} CNY"),
    ]
    if not report.dry_run:
        facts.append(("Paid in this run 本次已付", f"{decimal_cny(report.settled_micro)} CNY"))
        facts.append(("Held 暂扣", f"{decimal_cny(report.held_micro)} CNY"))
    return facts


def _days(report: TopReport) -> str:
    """The days that the counted figures are of, which may be fewer than those that count."""
    products = report.figures.products
    firsts = [one.first_day for one in products if one.first_day is not None]
    lasts = [one.last_day for one in products if one.last_day is not None]
    if not firsts or not lasts:
        return "not dated 无日期"
    return f"{min(firsts)} – {max(lasts)}"


def _rows_counted(figures: Performance) -> str:
    return f"{figures.rows:,} · {figures.rows_before:,}"


def _notes(report: TopReport, table_at: str) -> Iterator[str]:
    when = f" ({report.goes_on_at})" if report.goes_on_at else ""
    waits = sum(one.state is OutcomeState.WAITING for one in report.made.values())
    if report.dry_run:
        yield "A dry run: nothing was made and nothing spent. 试运行：未制作，未花费。"
    stale_days = _stale_days(report)
    if stale_days > _STALE_DAYS:
        yield (
            f"**The newest figures are {stale_days} days old; export newer ones.**"
            f" 最新数据已是 {stale_days} 天前的，请重新导出。"
        )
    if report.deferred:
        yield (
            f"{report.deferred} videos have no room under today's caps and budget; the next day goes on{when}."
            f" 今日额度或预算不足，{report.deferred} 个视频延至次日{when}。"
        )
    elif waits:
        yield f"{waits} videos wait; the next day goes on{when}. {waits} 个视频等待中，次日继续{when}。"
    if report.ranking.without_margin:
        names = ", ".join(report.ranking.without_margin[:5])
        yield f"Ranked by revenue, since some products have no margin 缺少毛利率: {plain(names)}."
    if table_at:
        yield f"All {len(report.picks):,} products 全部商品: {table_at}"


def _stale_days(report: TopReport) -> int:
    newest = report.figures.newest_day
    return (report.until - newest).days if report.until is not None and newest is not None else 0


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    # Errors keep a product from its rank, so they come first; the rest in the order of the files.
    ordered = sorted(findings, key=lambda one: one.severity is not Severity.ERROR)
    shown = [
        f"- {both(say(f'severity.{one.severity.value}'))} `{code(one.code)}` {plain(one.subject)}:"
        f" {plain(one.message)} {plain(one.message_zh)}"
        for one in ordered[:_FINDINGS_SHOWN]
    ]
    more = len(findings) - len(shown)
    return [
        "### Figures 数据问题",
        "",
        *shown,
        *([f"- {more} more, see `skuflow top` 其余 {more} 条见 `skuflow top`"] if more else []),
    ]
