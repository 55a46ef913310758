"""Why a product has the rank it has, in one sentence that a seller can check with a pocket calculator."""

from __future__ import annotations

from decimal import Decimal

from skuflow.insights.performance import ProductFigures
from skuflow.insights.ranking import INTERVAL, Basis, Estimate, RankedProduct, Ranking, Unranked
from skuflow.review.wording import Wording

_WHY_UNRANKED = {
    Unranked.NO_SPEND: Wording(
        "no ad spend, so what ads bring is not known", "没有广告花费，无法得知广告回报"
    ),
    Unranked.NO_ORDERS_AT_ALL: Wording(
        "no product has an order yet, so there is nothing to rank by", "所有商品都还没有订单，无从排名"
    ),
}


def explain(product: RankedProduct, ranking: Ranking, currency: str) -> Wording:
    """The sentence for a product of the ranking; ``currency`` is that of the figures, empty where they name none."""
    figures = product.figures
    if figures.broken is not None:
        broken = figures.broken
        return Wording(
            f"{broken.subject}: {broken.message}", f"{broken.subject}：{broken.message_zh or broken.message}"
        )
    if product.unranked is Unranked.LITTLE_SPEND:
        spent = money_text(figures.spend, currency)
        return Wording(f"only {spent} spent, too little to judge by", f"仅花费 {spent}，不足以判断")
    if product.unranked is not None or product.estimate is None:
        return _WHY_UNRANKED[product.unranked or Unranked.NO_SPEND]
    return _ranked(figures, product.estimate, ranking.basis, currency)


def _ranked(figures: ProductFigures, one: Estimate, basis: Basis, currency: str) -> Wording:
    spent = money_text(figures.spend, currency)
    own = round(100 * one.own_share_ratio)
    rest, sure = 100 - own, round(100 * INTERVAL)
    of_en = f"of {one.group}" if one.group else "of the shop"
    of_zh = f"类目“{one.group}”" if one.group else "全店"
    what_en, what_zh = ("profit", "毛利") if basis is Basis.PROFIT else ("revenue", "收入")
    orders_en = f"{figures.orders} order{'' if figures.orders == 1 else 's'}"
    raw, mean = f"{one.raw_ratio:.2f}", f"{one.group_ratio:.2f}"
    even = f"{one.break_even_orders:.1f}" if one.break_even_orders >= 1 else f"{one.break_even_orders:.2g}"
    low, high = f"{one.low_ratio:.2f}", f"{one.high_ratio:.2f}"
    return Wording(
        f"{orders_en} on {spent}: {raw} of {what_en} for 1 spent, where {even} orders would just pay;"
        f" taken {own} % from that and {rest} % from the mean {of_en} ({mean}), that is"
        f" {one.return_ratio:.2f} ({sure} % sure: {low} to {high})",
        f"花费 {spent} 带来 {figures.orders} 单，每花 1 得{what_zh} {raw}，{even} 单即可回本；其中自身数据占 {own} %，"
        f"{of_zh}均值（{mean}）占 {rest} %，得 {one.return_ratio:.2f}（{sure} % 区间 {low} 至 {high}）",
    )


def money_text(amount: Decimal, currency: str) -> str:
    """Such as "1,250.00 CNY"."""
    return f"{amount:,.2f} {currency}".rstrip()
