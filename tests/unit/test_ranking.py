"""The ranking takes chance out of small numbers: properties that hold for any shop, and cases a seller would check."""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest

from skuflow.insights.explain import explain
from skuflow.insights.figure_findings import figure_finding
from skuflow.insights.gamma import below, gamma_quantile
from skuflow.insights.performance import ProductFigures
from skuflow.insights.ranking import Basis, Ranking, Unranked, rank_products

SEEDS = range(12)


def product(sku: str, orders: int, spend: float, value: float = 40.0, **more: object) -> ProductFigures:
    return ProductFigures(
        sku=sku,
        orders=orders,
        revenue=Decimal(str(round(orders * value, 2))),
        spend=Decimal(str(spend)),
        **more,  # type: ignore[arg-type]  # fields of the figures
    )


def shop(seed: int, size: int = 40) -> list[ProductFigures]:
    """A shop whose spend, order values and returns spread as in real ones."""
    chance = random.Random(seed)
    products = []
    for number in range(size):
        spend, value = math.exp(chance.gauss(4, 1.5)), 40 * math.exp(chance.gauss(0, 0.6))
        expected = chance.gammavariate(2, 1) * spend / value
        orders = sum(chance.random() < expected / 400 for _ in range(400))
        products.append(
            product(
                f"S{number}", orders, round(spend, 2), value, category=f"c{number % 3}", price=Decimal(40)
            )
        )
    return products


def by_sku(ranking: Ranking) -> dict[str, float]:
    return {
        one.figures.sku: one.estimate.return_ratio for one in ranking.products if one.estimate is not None
    }


def ranks(ranking: Ranking) -> list[str]:
    return [one.figures.sku for one in ranking.products if one.rank is not None]


# --- properties ---


@pytest.mark.parametrize("seed", SEEDS)
def test_an_estimate_lies_between_what_was_seen_and_the_mean_and_inside_its_interval(seed: int) -> None:
    for one in rank_products(shop(seed)).products:
        assert one.estimate is not None
        found = one.estimate
        low, high = sorted((found.raw_ratio, found.group_ratio))
        assert low - 1e-9 <= found.return_ratio <= high + 1e-9
        assert 0 <= found.low_ratio < found.return_ratio < found.high_ratio
        assert 0 < found.own_share_ratio < 1


@pytest.mark.parametrize("seed", SEEDS)
def test_ranks_are_one_to_n_best_first_whatever_the_order_of_the_rows(seed: int) -> None:
    products = shop(seed)
    ranking = rank_products(products)
    assert [one.rank for one in ranking.products] == list(range(1, len(products) + 1))
    returns = [one.estimate.return_ratio for one in ranking.products if one.estimate is not None]
    assert returns == sorted(returns, reverse=True)
    random.Random(seed).shuffle(products)
    assert rank_products(products) == ranking


@pytest.mark.parametrize("seed", SEEDS)
def test_the_unit_of_money_does_not_matter(seed: int) -> None:
    products = shop(seed)
    fen = [
        ProductFigures(
            sku=one.sku,
            category=one.category,
            orders=one.orders,
            revenue=one.revenue * 100,
            spend=one.spend * 100,
            price=one.price and one.price * 100,
        )
        for one in products
    ]
    assert ranks(rank_products(fen)) == ranks(rank_products(products))
    assert by_sku(rank_products(fen)) == pytest.approx(by_sku(rank_products(products)))


@pytest.mark.parametrize("seed", SEEDS)
def test_of_two_with_the_same_return_the_better_known_is_farther_from_the_mean(seed: int) -> None:
    known, little = product("known", 120, 1000.0), product("little", 3, 25.0)
    ranking = rank_products([*shop(seed), known, little])
    found = {one.figures.sku: one.estimate for one in ranking.products}
    more, less = found["known"], found["little"]
    assert more is not None
    assert less is not None
    assert more.raw_ratio == pytest.approx(less.raw_ratio)
    assert more.own_share_ratio > less.own_share_ratio
    assert abs(more.return_ratio - more.raw_ratio) < abs(less.return_ratio - less.raw_ratio)
    assert more.high_ratio - more.low_ratio < less.high_ratio - less.low_ratio


@pytest.mark.parametrize("seed", SEEDS)
def test_more_orders_for_the_same_spend_never_rank_lower(seed: int) -> None:
    rest = shop(seed)
    places = [
        ranks(rank_products([*rest, product("it", orders, 100.0)])).index("it") for orders in range(1, 30, 4)
    ]
    assert places == sorted(places, reverse=True)


# --- cases ---


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("orders", [300, 200])
def test_one_order_on_one_yuan_does_not_beat_hundreds_on_two_hundred(seed: int, orders: int) -> None:
    """200 orders on 200 CNY are the same return as 1 on 1, and 300 a better one; only one of them is known."""
    lucky, proven = product("lucky", 1, 1.0), product("proven", orders, 200.0)
    places = ranks(rank_products([*shop(seed), lucky, proven]))
    assert places[0] == "proven"
    alone = ranks(rank_products([lucky, proven]))
    assert alone == ["proven", "lucky"]


def test_no_order_on_much_ranks_below_no_order_on_little() -> None:
    products = [product("a", 20, 400.0), product("b", 30, 400.0)]
    much, little = product("much", 0, 400.0), product("little", 0, 4.0)
    assert ranks(rank_products([*products, much, little])) == ["b", "a", "little", "much"]


def test_a_product_alone_is_drawn_towards_paying_for_itself() -> None:
    (one,) = rank_products([product("only", 30, 300.0)]).products
    assert one.estimate is not None
    assert 1.0 < one.estimate.group_ratio < one.estimate.return_ratio < 4.0


def test_a_small_product_follows_its_category_not_the_shop() -> None:
    good = [product(f"g{number}", 60 + number, 400.0, category="good") for number in range(8)]
    poor = [product(f"p{number}", 6 + number % 3, 400.0, category="poor") for number in range(8)]
    new = [product("new-good", 0, 5.0, category="good"), product("new-poor", 0, 5.0, category="poor")]
    found = by_sku(rank_products([*good, *poor, *new]))
    assert found["new-good"] > 2 * found["new-poor"]
    named = {one.sku: one.category for one in (*good, *poor, *new)}
    bare = [product(one.sku, one.orders, float(one.spend)) for one in (*good, *poor, *new)]
    assert by_sku(rank_products(bare, categories=named)) == found


def test_the_spread_of_a_shop_decides_how_much_is_drawn_to_the_mean() -> None:
    same = [product(f"s{number}", 20, 400.0) for number in range(30)]
    spread = [product(f"s{number}", 2 + 3 * number, 400.0) for number in range(30)]
    assert rank_products(same).strength_orders > 5 * rank_products(spread).strength_orders


def test_products_without_spend_or_with_little_have_no_rank_and_say_why() -> None:
    broken = product(
        "broken", 5, 50.0, broken=figure_finding("FIGURES_CELL_EMPTY", "a.csv row 2", sku="broken")
    )
    products = [product("ok", 5, 50.0), product("free", 9, 0.0), product("little", 1, 9.99), broken]
    ranking = rank_products(products, min_spend=Decimal(10))
    assert ranks(ranking) == ["ok"]
    reasons = {one.figures.sku: one.unranked for one in ranking.products}
    assert reasons == {
        "ok": None,
        "broken": Unranked.BROKEN,
        "free": Unranked.NO_SPEND,
        "little": Unranked.LITTLE_SPEND,
    }
    assert ranks(rank_products([product("just", 1, 10.0)], min_spend=Decimal(10))) == ["just"]
    assert "a.csv row 2" in explain(ranking.products[1], ranking, "CNY").en


def test_without_any_order_nothing_is_ranked() -> None:
    ranking = rank_products([product("a", 0, 10.0), product("b", 0, 20.0)])
    assert [one.unranked for one in ranking.products] == [Unranked.NO_ORDERS_AT_ALL] * 2
    assert rank_products([]).products == ()


def test_profit_counts_where_every_margin_is_known_and_revenue_where_not() -> None:
    thin = product("thin", 60, 400.0, margin_ratio=Decimal("0.1"))
    thick = product("thick", 30, 400.0, margin_ratio=Decimal("0.6"))
    unknown = product("unknown", 10, 400.0)
    by_profit = rank_products([thin, thick])
    assert (by_profit.basis, ranks(by_profit)) == (Basis.PROFIT, ["thick", "thin"])
    by_revenue = rank_products([thin, thick, unknown])
    assert (by_revenue.basis, ranks(by_revenue)) == (Basis.REVENUE, ["thin", "thick", "unknown"])
    assert by_revenue.without_margin == ("unknown",)
    usual = rank_products([thin, thick, unknown], usual_margin_ratio=Decimal("0.3"))
    assert (usual.basis, usual.without_margin) == (Basis.PROFIT, ())


def test_the_sentence_holds_the_figures_of_the_rank() -> None:
    ranking = rank_products(
        [product("a", 12, 300.0, category="cups"), product("b", 20, 300.0, category="cups")]
    )
    said = explain(ranking.products[1], ranking, "CNY")
    found = ranking.products[1].estimate
    assert found is not None
    assert "12 orders on 300.00 CNY: 1.60 of revenue for 1 spent, where 7.5 orders would just pay" in said.en
    assert f"that is {found.return_ratio:.2f} (90 % sure: {found.low_ratio:.2f} to" in said.en
    assert "the mean of cups" in said.en
    assert "花费 300.00 CNY 带来 12 单" in said.zh


# --- the gamma distribution, by values of tables and by what it is ---


@pytest.mark.parametrize(
    ("share", "shape", "quantile"),
    [
        # A chi-squared table with 2 k degrees of freedom, halved.
        (0.95, 1.0, 5.991465 / 2),
        (0.05, 2.0, 0.710723 / 2),
        (0.95, 5.0, 18.307038 / 2),
        (0.05, 15.0, 18.492661 / 2),
        (0.95, 50.0, 124.342113 / 2),
        (0.5, 0.5, 0.454936 / 2),
    ],
)
def test_quantiles_are_those_of_tables(share: float, shape: float, quantile: float) -> None:
    assert gamma_quantile(share, shape, 1.0) == pytest.approx(quantile, rel=1e-6)
    assert gamma_quantile(share, shape, 8.0) == pytest.approx(quantile / 8, rel=1e-6)


@pytest.mark.parametrize("shape", [0.02, 0.3, 1.0, 7.5, 80.0, 299.9, 300.0, 4000.0])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 0.95, 0.99])
def test_a_quantile_has_its_share_below_it(share: float, shape: float) -> None:
    assert below(gamma_quantile(share, shape, 1.0), shape) == pytest.approx(share, abs=2e-5)


@pytest.mark.parametrize(("share", "shape", "rate"), [(0.0, 1, 1), (1.0, 1, 1), (0.5, 0, 1), (0.5, 1, 0)])
def test_there_is_no_quantile_of_nothing(share: float, shape: float, rate: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        gamma_quantile(share, shape, rate)
