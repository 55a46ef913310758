"""``skuflow top``: which products would get a video next, and why. Spends nothing."""

from __future__ import annotations

from flows.commands.findings_text import print_findings
from flows.commands.terminal import EXIT_OK, EXIT_UNFINISHED, print_json, print_table
from flows.top_picks import Decision, Pick, counted
from flows.top_report import TopReport, decision_of, reason_of
from flows.top_search import TopWishes, find_out
from skuflow.insights.explain import money_text
from skuflow.ledger.views import decimal_cny
from skuflow.settings import Languages
from tasks.wiring import Wiring


def show_top(wiring: Wiring, figures: str, wishes: TopWishes, as_json: bool) -> int:
    """Print the ranking with what a run of top-videos would do; 3 where some figures cannot be read."""
    report = find_out(wiring, figures, "", wishes)
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report, wiring.settings.languages)
    return EXIT_OK if report.complete else EXIT_UNFINISHED


def _print(report: TopReport, languages: Languages) -> None:
    figures = report.figures
    columns = ("rank", "SKU", "orders", "revenue", "spend", "as seen", "return", "90 % sure", "decision")
    print_table(
        f"Return: {report.ranking.basis.value} for 1 {figures.currency or 'unit'} of ad spend",
        columns,
        [_row(pick, figures.currency) for pick in report.picks],
        right=columns[:1] + columns[2:8],
    )
    for pick in report.picks:
        if pick.decision not in (Decision.BELOW, Decision.NOT_RANKED):
            reason = reason_of(pick, report)
            said = {"en": reason.en, "zh": reason.zh}
            print(f"{pick.product.figures.sku}: " + "\n  ".join(said[language] for language in languages))
    if figures.findings:
        print("The figures 数据:")
        print_findings(figures.findings, languages)
    if report.ranking.without_margin:
        print(
            f"Ranked by revenue, since these have no margin: {', '.join(report.ranking.without_margin[:10])}."
        )
    likely = sum(pick.likely_micro for pick in report.picks)
    most = sum(pick.estimate_micro for pick in report.picks)
    print(f"{report.in_one_line()}.")
    print(f"About {decimal_cny(likely)} CNY, at most {decimal_cny(most)} CNY. Nothing was spent.")


def _row(pick: Pick, currency: str) -> tuple[str, ...]:
    product, one = pick.product.figures, pick.product.estimate
    ratios = ("-", "-", "-")
    if one is not None:
        interval = f"{one.low_ratio:.2f} - {one.high_ratio:.2f}"
        ratios = (f"{one.raw_ratio:.2f}", f"{one.return_ratio:.2f}", interval)
    return (
        "-" if pick.product.rank is None else str(pick.product.rank),
        product.sku,
        str(product.orders),
        money_text(product.revenue, currency),
        money_text(product.spend, currency),
        *ratios,
        decision_of(pick, {}).en,
    )


def _as_json(report: TopReport) -> dict[str, object]:
    ranking = report.ranking
    return {
        "basis": ranking.basis.value,
        "currency": report.figures.currency,
        "shop_return": round(ranking.shop_ratio, 4),
        "strength_orders": round(ranking.strength_orders, 4),
        "counts": {decision.value: count for decision, count in counted(report.picks).items()},
        "products": [_product_json(pick, report) for pick in report.picks],
        "findings": [finding.model_dump(mode="json") for finding in report.figures.findings],
    }


def _product_json(pick: Pick, report: TopReport) -> dict[str, object]:
    product, one = pick.product.figures, pick.product.estimate
    reason = reason_of(pick, report)
    return {
        "rank": pick.product.rank,
        "sku": product.sku,
        "impressions": product.impressions,
        "clicks": product.clicks,
        "orders": product.orders,
        "revenue": str(product.revenue),
        "spend": str(product.spend),
        "return_seen": None if one is None else round(one.raw_ratio, 4),
        "return": None if one is None else round(one.return_ratio, 4),
        "return_low": None if one is None else round(one.low_ratio, 4),
        "return_high": None if one is None else round(one.high_ratio, 4),
        "decision": pick.decision.value,
        "reason": reason.en,
        "reason_zh": reason.zh,
        "estimate_cny": decimal_cny(pick.estimate_micro),
    }
