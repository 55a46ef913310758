"""Which products pay best, with chance taken out of small numbers.

A product's return is money back for each unit of ad spend: gross profit where margins are known, else revenue. Return
less one is ROI, so both rank alike. The estimate is empirical Bayes on counts of orders:

- ``E``, the orders that would just pay for the spend, is spend over what an order brings.
- The orders seen are Poisson with mean return x ``E``; the raw return is orders / ``E``.
- Returns of products are Gamma around the mean of their category, as spread as the figures themselves say. ``b``, the
  strength of that prior, is in break-even orders, and is fitted by the likelihood of all products' orders.
- The estimate is (mean x ``b`` + orders) / (``b`` + ``E``): the share ``E`` / (``E`` + ``b``) is the product's own.

The interval covers chance in the number of orders. Chance in what an order brings is not in it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from skuflow.insights.gamma import gamma_quantile
from skuflow.insights.performance import ProductFigures

INTERVAL = 0.90
"""How sure the interval of a return is."""
USUAL_STRENGTH = 4.0
"""What the prior's strength is near while there are only a few products, in break-even orders."""
STRENGTH_SPREAD = 1.5
"""How far from it the figures of a few products may pull it, in powers of e."""
CATEGORY_WEIGHT = 3.0
"""The mean of a category with n well-known products counts n / (n + this); the rest is the shop's mean."""
_STRENGTH_LIMITS = (0.02, 2000.0)
_ROUNDS = 4
_GOLDEN = (math.sqrt(5) - 1) / 2


class Basis(StrEnum):
    """What comes back for the spend."""

    PROFIT = "profit"
    REVENUE = "revenue"


class Unranked(StrEnum):
    """Why a product has no rank."""

    BROKEN = "broken"
    NO_SPEND = "no_spend"
    LITTLE_SPEND = "little_spend"
    NO_ORDERS_AT_ALL = "no_orders_at_all"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A product's return: money back for each unit spent. ``low_ratio`` to ``high_ratio`` holds it with ``INTERVAL``.

    ``break_even_orders``: the orders that would just pay for the spend, at ``order_value`` each (in the figures'
    currency, gross profit or revenue). ``group``: the category whose mean ``group_ratio`` it is drawn towards; empty:
    the shop's. ``own_share_ratio``: how much of the estimate is its own figures.
    """

    raw_ratio: float
    return_ratio: float
    low_ratio: float
    high_ratio: float
    break_even_orders: float
    order_value: float
    group: str
    group_ratio: float
    own_share_ratio: float


@dataclass(frozen=True, slots=True)
class RankedProduct:
    """A product with its rank, counted from 1, and why it is there; or without one, and why not."""

    figures: ProductFigures
    rank: int | None
    estimate: Estimate | None
    unranked: Unranked | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Products best first, then those without a rank by SKU. ``strength_orders``: the prior's, in break-even orders."""

    products: tuple[RankedProduct, ...]
    basis: Basis
    shop_ratio: float
    strength_orders: float
    without_margin: tuple[str, ...] = ()
    """SKUs whose missing margin made the basis revenue, where others have one."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the estimate needs of a product."""

    figures: ProductFigures
    group: str
    orders: int
    break_even: float
    order_value: float


def rank_products(
    products: Sequence[ProductFigures],
    *,
    categories: Mapping[str, str] | None = None,
    usual_margin_ratio: Decimal | None = None,
    min_spend: Decimal = Decimal(0),
) -> Ranking:
    """Rank products by their shrunk return. Equal figures give equal digits; ties go by evidence, then by SKU.

    ``categories`` by SKU stand in where the figures name none; ``usual_margin_ratio`` where a margin is missing.
    ``min_spend``, in the figures' currency: products with less are not ranked, though the means know them.
    """
    ordered = sorted(products, key=lambda product: product.sku)
    whole = [product for product in ordered if product.broken is None and product.spend > 0]
    basis, without = _basis(whole, usual_margin_ratio)
    seen = _seen(whole, categories or {}, basis, usual_margin_ratio)
    fit = _fit(seen)
    estimates = {one.figures.sku: _estimate(one, fit) for one in seen}
    ranked = sorted(
        (one for one in seen if one.figures.spend >= min_spend),
        key=lambda one: (-estimates[one.figures.sku].return_ratio, -one.break_even, one.figures.sku),
    )
    places = [
        RankedProduct(one.figures, rank, estimates[one.figures.sku]) for rank, one in enumerate(ranked, 1)
    ]
    known = {one.figures.sku for one in ranked}
    rest = [
        RankedProduct(product, None, estimates.get(product.sku), _why_not(product, min_spend))
        for product in ordered
        if product.sku not in known
    ]
    return Ranking((*places, *rest), basis, fit.shop, fit.strength, without)


def _why_not(product: ProductFigures, min_spend: Decimal) -> Unranked:
    if product.broken is not None:
        return Unranked.BROKEN
    if product.spend <= 0:
        return Unranked.NO_SPEND
    return Unranked.LITTLE_SPEND if product.spend < min_spend else Unranked.NO_ORDERS_AT_ALL


def _basis(whole: Sequence[ProductFigures], usual: Decimal | None) -> tuple[Basis, tuple[str, ...]]:
    if usual is not None:
        return Basis.PROFIT, ()
    without = tuple(product.sku for product in whole if product.margin_ratio is None)
    if not without and whole:
        return Basis.PROFIT, ()
    return Basis.REVENUE, without if len(without) < len(whole) else ()


def _seen(
    whole: Sequence[ProductFigures], categories: Mapping[str, str], basis: Basis, usual: Decimal | None
) -> list[_Seen]:
    """The products with what an order of each brings; none where nobody ordered anything at all."""

    def margin(product: ProductFigures) -> float:
        ratio = product.margin_ratio if product.margin_ratio is not None else usual
        return float(ratio) if basis is Basis.PROFIT and ratio is not None else 1.0

    groups = {product.sku: product.category or categories.get(product.sku, "") for product in whole}
    sums: dict[str, list[float]] = {}
    for product in whole:
        if product.orders:
            for name in {"", groups[product.sku]}:
                sums.setdefault(name, [0.0, 0.0])
                sums[name][0] += float(product.revenue) * margin(product)
                sums[name][1] += product.orders
    if "" not in sums:
        return []
    found = []
    for product in whole:
        group = groups[product.sku]
        if product.orders:
            value = float(product.revenue) * margin(product) / product.orders
        elif product.price is not None:
            value = float(product.price) * margin(product)
        else:
            money, orders = sums.get(group, sums[""])
            value = money / orders
        found.append(_Seen(product, group, product.orders, float(product.spend) / value, value))
    return found


@dataclass(frozen=True, slots=True)
class _Fit:
    strength: float
    shop: float
    groups: Mapping[str, float]


def _fit(seen: Sequence[_Seen]) -> _Fit:
    """Means and strength, each fitted while the other is kept, a few times over."""
    strength = USUAL_STRENGTH
    shop, groups = _means(seen, strength)
    for _ in range(_ROUNDS if seen else 0):
        means = [groups[one.group] for one in seen]
        strength = _best_strength(seen, means)
        shop, groups = _means(seen, strength)
    return _Fit(strength, shop, groups)


def _means(seen: Sequence[_Seen], strength: float) -> tuple[float, dict[str, float]]:
    """The shop's mean return and each category's. A product counts by how well it is known, ``E b / (E + b)``: one with
    a huge spend is still one product. One product that just pays for itself is added to the shop, lest a mean be zero.
    """
    weights = [one.break_even * strength / (one.break_even + strength) for one in seen]
    raw = [one.orders / one.break_even for one in seen]
    shop = (math.fsum(w * r for w, r in zip(weights, raw, strict=True)) + 1.0) / (math.fsum(weights) + 1.0)
    groups = {"": shop}
    for group in sorted({one.group for one in seen} - {""}):
        own = [index for index, one in enumerate(seen) if one.group == group]
        pull = CATEGORY_WEIGHT * strength
        total = math.fsum(weights[index] * raw[index] for index in own) + pull * shop
        groups[group] = total / (math.fsum(weights[index] for index in own) + pull)
    return shop, groups


def _best_strength(seen: Sequence[_Seen], means: Sequence[float]) -> float:
    """The strength under which the orders seen are likeliest, held near the usual where few products speak.

    Orders are a gamma mixture of Poissons, that is, negative binomial; terms without the strength are left out.
    """

    # Most products share their count of orders with others, and the costly terms depend on nothing else.
    alike = sorted(Counter(zip((one.orders for one in seen), means, strict=True)).items())

    def likelihood(log_strength: float) -> float:
        b = math.exp(log_strength)
        held = -(((log_strength - math.log(USUAL_STRENGTH)) / STRENGTH_SPREAD) ** 2) / 2
        counts = math.fsum(
            times * (math.lgamma(orders + mean * b) - math.lgamma(mean * b) + mean * b * log_strength)
            for (orders, mean), times in alike
        )
        exposures = math.fsum(
            (mean * b + one.orders) * math.log(b + one.break_even)
            for one, mean in zip(seen, means, strict=True)
        )
        return held + counts - exposures

    low, high = (math.log(limit) for limit in _STRENGTH_LIMITS)
    points = [low + (high - low) * step / 12 for step in range(13)]
    best = max(range(len(points)), key=lambda index: likelihood(points[index]))
    return math.exp(_highest(likelihood, points[max(0, best - 1)], points[min(12, best + 1)]))


def _highest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one peak between ``low`` and ``high`` is highest, to a hundredth, by golden sections."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-2:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2


def _estimate(one: _Seen, fit: _Fit) -> Estimate:
    mean = fit.groups[one.group]
    shape, rate = mean * fit.strength + one.orders, fit.strength + one.break_even
    tail = (1 - INTERVAL) / 2
    return Estimate(
        raw_ratio=one.orders / one.break_even,
        return_ratio=shape / rate,
        low_ratio=gamma_quantile(tail, shape, rate),
        high_ratio=gamma_quantile(1 - tail, shape, rate),
        break_even_orders=one.break_even,
        order_value=one.order_value,
        group=one.group,
        group_ratio=mean,
        own_share_ratio=one.break_even / rate,
    )
