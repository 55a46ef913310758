"""The report of top videos in words and rows: the same for Prefect's artifacts and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from flows.top_picks import Decision, Made, Pick, counted
from skuflow.insights.explain import explain, money_text
from skuflow.insights.performance import Performance
from skuflow.insights.ranking import Basis, Ranking
from skuflow.jobs.outcome import OutcomeState
from skuflow.ledger.views import decimal_cny
from skuflow.listing.findings import Finding
from skuflow.listing.kit import Kit
from skuflow.review.wording import Wording
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore, StorageError

ROWS_SHOWN = 1000
"""The table of a shop with more products ends here; the summary says how many more there are."""
_FINDINGS_SHOWN = 20
_SAID = {
    Decision.MAKE: Wording("to be made", "待制作"),
    Decision.HAS_VIDEO: Wording("has its video", "已有视频"),
    Decision.DEFERRED: Wording("deferred to the next day", "延至次日"),
    Decision.PASSED_OVER: Wording("passed over", "跳过"),
    Decision.BELOW: Wording("not among the first", "未入选"),
    Decision.NOT_RANKED: Wording("not ranked", "未排名"),
}
_BECAME = {
    OutcomeState.MADE: Wording("video made", "视频已制作"),
    OutcomeState.WAITING: Wording("waits", "等待中"),
    OutcomeState.FAILED: Wording("failed", "失败"),
}


@dataclass(frozen=True, slots=True)
class TopReport:
    """Everything a run found out and did. ``made`` by SKU, empty for a dry run; ``spent_micro`` is what the ledger has
    settled and holds for this run.
    """

    figures: Performance
    ranking: Ranking
    picks: tuple[Pick, ...]
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
        """Such as "50 ranked; 3 videos made, 10 have one, 2 deferred"."""
        ranked = sum(one.product.rank is not None for one in self.picks)
        counts = counted(self.picks)
        parts = [f"{ranked} products ranked"]
        if self.dry_run:
            parts.append(f"{counts[Decision.MAKE]} videos would be made")
        else:
            states = [one.state for one in self.made.values()]
            named = {"made": OutcomeState.MADE, "wait": OutcomeState.WAITING, "failed": OutcomeState.FAILED}
            told = [f"{states.count(state)} {name}" for name, state in named.items() if state in states]
            parts.append(f"videos: {', '.join(told) or 'none to make'}")
        parts.append(f"{counts[Decision.HAS_VIDEO]} have one, {counts[Decision.DEFERRED]} deferred")
        return "; ".join(parts)


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
    """One row per product, every cell text, best first."""
    return [_row(pick, report, store) for pick in report.picks[:ROWS_SHOWN]]


def _row(pick: Pick, report: TopReport, store: ObjectStore) -> dict[str, str]:
    product, one, currency = pick.product.figures, pick.product.estimate, report.figures.currency
    decision, reason = decision_of(pick, report.made), reason_of(pick, report)
    # What is decided first: a screen shows the columns on the left, and the reasons are long.
    return {
        "Rank 名次": "–" if pick.product.rank is None else str(pick.product.rank),
        "SKU": product.sku,
        "Decision 决定": f"{decision.en} {decision.zh}",
        "Return 回报": "–" if one is None else f"{one.return_ratio:.2f}",
        "90 % 区间": "–" if one is None else f"{one.low_ratio:.2f} – {one.high_ratio:.2f}",
        "As seen 原始": "–" if one is None else f"{one.raw_ratio:.2f}",
        "Orders 订单": f"{product.orders:,}",
        "Spend 花费": money_text(product.spend, currency),
        "Revenue 收入": money_text(product.revenue, currency),
        "Kit 素材包": _link(pick, report, store),
        "Why 原因": reason.en,
        "原因": reason.zh,
        "Impressions 曝光": f"{product.impressions:,}",
        "Clicks 点击": f"{product.clicks:,}",
    }


def _link(pick: Pick, report: TopReport, store: ObjectStore) -> str:
    kit = _kit_of(pick, report)
    if kit is None:
        return ""
    try:
        address = store.url(kit_key(kit.sku))
    except StorageError:
        # The rank of a product does not hang on its link.
        return ""
    return f"[kit.json]({quote(address, safe=':/?#&=%@+,;~')})"


def _kit_of(pick: Pick, report: TopReport) -> Kit | None:
    found = report.made.get(pick.product.figures.sku)
    if found is not None and found.kit is not None:
        return found.kit
    return pick.standing.kit if pick.standing is not None else None


def top_summary(report: TopReport) -> str:
    """The run as Markdown: how it was ranked, what it costs, what is deferred, what was wrong with the figures."""
    counts = counted(report.picks)
    basis = "gross profit 毛利" if report.ranking.basis is Basis.PROFIT else "revenue 收入"
    strength = report.ranking.strength_orders
    weight = f"{strength:.1f}" if strength >= 1 else f"{strength:.2g}"
    to_make = [pick for pick in report.picks if pick.decision is Decision.MAKE]
    lines = [
        "## Top videos 优选视频",
        "",
        f"{report.in_one_line()}.",
        "",
        "| | |",
        "| --- | ---: |",
        f"| Return is 回报口径 | {basis} / ad spend 广告花费 |",
        f"| Mean of the shop 全店均值 | {report.ranking.shop_ratio:.2f} |",
        f"| Weight of the mean 均值权重 | {weight} orders 单 |",
        f"| Picked 入选 | {counts[Decision.MAKE]} |",
        f"| Have a video 已有视频 | {counts[Decision.HAS_VIDEO]} |",
        f"| Deferred 延至次日 | {counts[Decision.DEFERRED]} |",
        f"| Passed over 跳过 | {counts[Decision.PASSED_OVER]} |",
        f"| Likely cost 预计费用 | {decimal_cny(sum(pick.likely_micro for pick in to_make))} CNY |",
        f"| At most 最多 | {decimal_cny(sum(pick.estimate_micro for pick in to_make))} CNY |",
    ]
    if not report.dry_run:
        lines.append(f"| Paid in this run 本次已付 | {decimal_cny(report.settled_micro)} CNY |")
        lines.append(f"| Held 冻结 | {decimal_cny(report.held_micro)} CNY |")
    if report.dry_run:
        lines += ["", "A dry run: nothing was made and nothing spent. 试运行：未制作，未花费。"]
    if counts[Decision.DEFERRED]:
        when = f" ({report.goes_on_at})" if report.goes_on_at else ""
        lines += [
            "",
            f"{report.deferred} videos have no room under today's caps and budget; the next day goes on{when}."
            f" 今日额度或预算不足，{report.deferred} 个视频延至次日{when}。",
        ]
    if report.ranking.without_margin:
        names = ", ".join(report.ranking.without_margin[:5])
        lines += ["", f"Ranked by revenue, since some products have no margin 缺少毛利率: {_plain(names)}."]
    if len(report.picks) > ROWS_SHOWN:
        lines += ["", f"The table shows the first {ROWS_SHOWN} of {len(report.picks)} products."]
    return "\n".join([*lines, *_findings(report.figures.findings)]) + "\n"


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    shown = [
        f"- {one.severity.value} `{one.code}` {_plain(one.subject)}: {_plain(one.message)} {_plain(one.message_zh)}"
        for one in findings[:_FINDINGS_SHOWN]
    ]
    more = len(findings) - len(shown)
    return [
        "",
        "**Figures 数据问题**",
        "",
        *shown,
        *([f"- {more} more, see the terminal 其余 {more} 条"] if more else []),
    ]


def _plain(text: str) -> str:
    """Text of files as it was written, never as markup."""
    escaped = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{letter}" if letter in "\\`*_[]|$~" else letter for letter in escaped)
