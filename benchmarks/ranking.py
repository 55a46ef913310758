"""Whether the shrunk ranking picks better products than what was seen: simulated shops whose true returns are known,
and the clicks of a real shop, ranked on half of the days and judged on the other half.

The simulation is not made by the model that the ranking assumes: returns are log-normal around their category, and what
an order brings differs from order to order.
"""

from __future__ import annotations

import csv
import math
import random
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from benchmarks.measure import figure
from skuflow.insights.performance import ProductFigures
from skuflow.insights.ranking import RankedProduct, rank_products

REAL = Path(__file__).parents[1].parent / "shared/data/performance/open-bandit/women_image_daily.csv"
SHOPS = 60
PRODUCTS = 500
PICKED = 50
CATEGORIES = 6
SEED = 11


@dataclass(frozen=True, slots=True)
class Scenario:
    """``spend``: the median ad spend of a product in CNY; ``spread``: of true returns, in powers of e."""

    name: str
    spend: float
    spread: float


SCENARIOS = (
    Scenario("a week of little spend", 40.0, 0.5),
    Scenario("four weeks", 160.0, 0.5),
    Scenario("much spend", 1600.0, 0.5),
    Scenario("products nearly alike", 160.0, 0.2),
)


def poisson(mean: float, chance: random.Random) -> int:
    """How often something happens that happens ``mean`` times on average: waiting times, in portions."""
    count = 0
    while mean > 500:
        # A sum of Poissons is one; exp(-500) is still a number.
        count += poisson(500, chance)
        mean -= 500
    left = math.exp(-mean)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count


def shop(scenario: Scenario, chance: random.Random) -> tuple[list[ProductFigures], dict[str, float]]:
    """A shop's figures, and the true return of each product."""
    means = [math.exp(chance.gauss(math.log(2.0), 0.3)) for _ in range(CATEGORIES)]
    products, truth = [], {}
    for number in range(PRODUCTS):
        category = number % CATEGORIES
        sku = f"S{number:03}"
        truth[sku] = means[category] * math.exp(chance.gauss(-(scenario.spread**2) / 2, scenario.spread))
        spend = scenario.spend * math.exp(chance.gauss(0, 1.2))
        price = 60 * math.exp(chance.gauss(0, 0.6))
        orders = poisson(truth[sku] * spend / price, chance)
        revenue = sum(price * math.exp(chance.gauss(-0.045, 0.3)) for _ in range(orders))
        products.append(
            ProductFigures(
                sku=sku,
                category=f"c{category}",
                orders=orders,
                revenue=Decimal(f"{revenue:.2f}"),
                spend=Decimal(f"{spend:.2f}"),
                price=Decimal(f"{price:.2f}"),
            )
        )
    return products, truth


def seen(one: ProductFigures) -> float:
    return float(one.revenue / one.spend)


Way = Callable[[Sequence[ProductFigures], Sequence[RankedProduct]], Iterable[str]]
WAYS: dict[str, Way] = {
    "as seen": lambda products, ranked: (one.sku for one in sorted(products, key=seen, reverse=True)),
    "as seen, at least 5 orders": lambda products, ranked: (
        one.sku for one in sorted(products, key=lambda one: (one.orders >= 5, seen(one)), reverse=True)
    ),
    "shrunk": lambda products, ranked: (one.figures.sku for one in ranked),
}


def simulate(scenario: Scenario) -> None:
    chance = random.Random(f"{SEED} {scenario.name}")
    means: dict[str, list[float]] = {way: [] for way in WAYS}
    hits: dict[str, list[float]] = {way: [] for way in WAYS}
    best: list[float] = []
    inside = judged = 0
    for _ in range(SHOPS):
        products, truth = shop(scenario, chance)
        ranked = rank_products(products).products
        top = sorted(truth, key=lambda sku: -truth[sku])[:PICKED]
        best.append(statistics.fmean(truth[sku] for sku in top))
        for way, order in WAYS.items():
            picked = list(order(products, ranked))[:PICKED]
            means[way].append(statistics.fmean(truth[sku] for sku in picked))
            hits[way].append(len(set(picked) & set(top)) / PICKED)
        for one in ranked:
            if one.estimate is not None:
                judged += 1
                inside += one.estimate.low_ratio <= truth[one.figures.sku] <= one.estimate.high_ratio
    what = f"ranking, {scenario.name}: "
    figure(f"{what}true return of the best {PICKED}", statistics.fmean(best), "for 1 spent")
    for way in WAYS:
        error = statistics.stdev(means[way]) / math.sqrt(SHOPS)
        figure(f"{what}true return of {PICKED} picked {way}", statistics.fmean(means[way]), f"+-{error:.3f}")
        figure(f"{what}share of the true best picked {way}", 100 * statistics.fmean(hits[way]), "%")
    won = sum(shrunk > raw for shrunk, raw in zip(means["shrunk"], means["as seen"], strict=True))
    figure(f"{what}shops in which shrunk picks better", 100 * won / SHOPS, "%")
    figure(f"{what}true returns inside their 90 % interval", 100 * inside / judged, "%")


def real() -> None:
    """Impressions stand in for spend and clicks for orders: half of the days foretell the other half's clicks."""
    halves: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
    with REAL.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    days = sorted({row["date"] for row in rows})
    for row in rows:
        sums = halves[days.index(row["date"]) % 2].setdefault(row["image_id"], [0, 0])
        sums[0] += int(row["impressions"])
        sums[1] += int(row["clicks"])
    shown = sorted(halves[0].keys() & halves[1].keys())
    for name, (past, future) in {"odd": halves, "even": halves[::-1]}.items():
        products = [
            ProductFigures(
                sku=sku, orders=past[sku][1], revenue=Decimal(past[sku][1]), spend=Decimal(past[sku][0])
            )
            for sku in shown
        ]
        ranked = rank_products(products).products
        ratio = {one.figures.sku: one.estimate.return_ratio for one in ranked if one.estimate is not None}
        raw = {one.sku: seen(one) for one in products}
        for way, rates in (("as seen", raw), ("shrunk", ratio)):
            error = statistics.fmean((future[sku][1] - future[sku][0] * rates[sku]) ** 2 for sku in shown)
            figure(
                f"ranking, real clicks, foretold from the {name} days {way}", math.sqrt(error), "clicks off"
            )


def main() -> int:
    for scenario in SCENARIOS:
        simulate(scenario)
    if REAL.exists():
        real()
    return 0


if __name__ == "__main__":
    sys.exit(main())
