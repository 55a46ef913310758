"""Sales and ad figures: what exports write is understood, what cannot be read is told, and nothing is guessed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skuflow.catalog.tables import _records
from skuflow.insights.exchange import ExchangeRates, parse_rate
from skuflow.insights.figure_cells import (
    FigureCellError,
    comma_is_decimal,
    day_first,
    read_amount,
    read_count,
    read_day,
    read_share,
)
from skuflow.insights.figure_columns import understand
from skuflow.insights.performance import (
    FiguresError,
    FigureTable,
    Performance,
    ProductFigures,
    read_performance,
)
from skuflow.insights.ranking import rank_products

SHARED = Path(__file__).parents[3] / "shared" / "data" / "performance" / "open-bandit"


def read(*texts: str, **options: object) -> Performance:
    tables = [FigureTable(f"file{number}.csv", text.encode()) for number, text in enumerate(texts, 1)]
    return read_performance(tables, **options)  # type: ignore[arg-type]  # options are the function's own


def one(performance: Performance, sku: str) -> ProductFigures:
    return next(product for product in performance.products if product.sku == sku)


def codes(performance: Performance) -> list[str]:
    return [finding.code for finding in performance.findings]


# --- cells ---


@pytest.mark.parametrize(
    ("cell", "count"),
    [("0", 0), ("12", 12), ("1,234", 1234), ("1 234", 1234), ("１２", 12), ("-", 0), ("3.0", 3)],
)
def test_counts(cell: str, count: int) -> None:
    assert read_count(cell) == count


@pytest.mark.parametrize("cell", ["", "1.5", "-3", "twelve", "1,23,4", "12%", "1e3", "#N/A", "9" * 41])
def test_what_is_no_count(cell: str) -> None:
    with pytest.raises(FigureCellError) as caught:
        read_count(cell)
    assert caught.value.reason_zh


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("12.50", "12.50", None),
        ("US$1,299.00", "1299.00", "USD"),
        ("35 元", "35", "CNY"),
        ("1.299,00 €", "1299.00", "EUR"),
        ("R$ 12,9", "12.9", "BRL"),
        ("0", "0", None),
        ("--", "0", None),
    ],
)
def test_amounts(cell: str, amount: str, currency: str | None) -> None:
    assert read_amount(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["-12.50", "10-20", "free", "12 apples", "1.2.3"])
def test_what_is_no_amount(cell: str) -> None:
    with pytest.raises(FigureCellError):
        read_amount(cell)


@pytest.mark.parametrize(
    ("cells", "comma"),
    [
        (["1.234", "12,50 €"], True),
        (["1.234.567"], True),
        (["1.299,00"], True),
        (["1,234", "12.50"], False),
        (["1,234,567"], False),
        (["¥1,299.00"], False),
        (["0.125"], False),
        (["1234.567"], False),
        (["１，５"], True),
        (["1.234", "1,234", "12", "-"], None),
        (["12,50", "12.50"], None),
        ([], None),
    ],
)
def test_the_sheet_proves_whether_the_comma_is_decimal(cells: list[str], comma: bool | None) -> None:
    assert comma_is_decimal(cells) is comma


def test_thousands_of_a_european_export_are_thousands() -> None:
    european = "sku;spend;orders;revenue\nA;1.234;1.000;12.500\nB;12,50;1;99,90\n"
    found = one(read(european), "A")
    assert (found.spend, found.orders, found.revenue) == (Decimal(1234), 1000, Decimal(12500))
    dotted = one(read("sku,spend,orders,revenue\nA,1.234,1,5\nB,12.50,1,99.90\n"), "A")
    assert dotted.spend == Decimal("1.234")


@pytest.mark.parametrize(("cell", "share"), [("0.35", "0.35"), ("35%", "0.35"), ("100 %", "1"), ("1", "1")])
def test_shares(cell: str, share: str) -> None:
    assert read_share(cell) == Decimal(share)


@pytest.mark.parametrize("cell", ["35", "0", "101%", "-5%", "1.01"])
def test_what_is_no_share(cell: str) -> None:
    with pytest.raises(FigureCellError):
        read_share(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-05",
        "2026/11/5",
        "20261105",
        "2026年11月5日",
        "2026-11-05 00:00:00",
        "Nov 5, 2026",
        "5 Nov 2026",
    ],
)
def test_days(cell: str) -> None:
    assert read_day(cell, None) == date(2026, 11, 5)


@pytest.mark.parametrize(
    "cell",
    ["2026-11-05 ~ 2026-11-11", "2026-11-05～2026-11-11", "2026/11/05 - 2026/11/11", "2026年11月5日至2026年11月11日",
     "20261105~20261111", "2026-11-05 to 2026-11-05"],
)  # fmt: skip
def test_a_span_is_of_its_first_day(cell: str) -> None:
    assert read_day(cell, None) == date(2026, 11, 5)


@pytest.mark.parametrize("cell", ["2026-11-05 ~ 2026-11-04", "2026-11-05 ~ 2026-13-01", "2026-11-05 ~"])
def test_what_is_no_span(cell: str) -> None:
    with pytest.raises(FigureCellError):
        read_day(cell, None)


def test_day_and_month_are_swapped_only_where_the_column_proves_it() -> None:
    assert day_first(["05/11/2026", "20/11/2026"]) is True
    assert day_first(["11/05/2026", "11/20/2026"]) is False
    assert day_first(["11/05/2026"]) is None
    assert day_first(["13/05/2026", "05/13/2026"]) is None
    assert read_day("05/11/2026", True) == date(2026, 11, 5)
    assert read_day("11/05/2026", False) == date(2026, 11, 5)
    assert read_day("11/11/2026", None) == date(2026, 11, 11)
    with pytest.raises(FigureCellError, match="swapped"):
        read_day("11/05/2026", None)


@pytest.mark.parametrize("cell", ["2026-02-30", "yesterday", "13/13/2026", "Foo 5, 2026", "2026"])
def test_what_is_no_day(cell: str) -> None:
    with pytest.raises(FigureCellError):
        read_day(cell, True)


# --- exports ---

EXPORTS = {
    "amazon": (
        "Date,Portfolio name,Currency,Campaign Name,Advertised SKU,Advertised ASIN,Impressions,Clicks,"
        "Click-Thru Rate (CTR),Spend,7 Day Total Sales ,Total Return on Advertising Spend (ROAS),"
        "7 Day Total Orders (#),7 Day Total Units (#)\n"
        '"Nov 05, 2026",,CNY,all,MUG-1,B0,"1,000",20,2%,300.50,"1,200.00",4,12,14\n'
    ),
    "tiktok": (
        "By Day\tProduct ID\tCost\tCurrency\tImpressions\tClicks (Destination)\tSKU orders\tGross revenue\tROI\n"
        "2026-11-05\tMUG-1\t300.50\tCNY\t1000\t20\t12\t1200.00\t4\n"
        "\tTotal of 1 result\t300.50\tCNY\t1000\t20\t12\t1200.00\t4\n"
    ),
    "aliexpress": (
        "统计日期,商品ID,曝光量,点击量,点击率,花费(元),支付订单数,支付金额(元)\n"
        "2026-11-05,MUG-1,1000,20,2%,300.50,12,1200.00\n合计,-,1000,20,2%,300.50,12,1200.00\n"
    ),
    "plain": "sku;date;impressions;clicks;orders;revenue;spend\nMUG-1;2026-11-05;1000;20;12;1200,00 元;300,50 元\n",
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_say_the_same_in_their_own_words(name: str) -> None:
    performance = read(EXPORTS[name])
    assert performance.products == (
        ProductFigures(
            sku="MUG-1",
            impressions=1000,
            clicks=20,
            orders=12,
            revenue=Decimal(1200),
            spend=Decimal("300.50"),
            first_day=date(2026, 11, 5),
            last_day=date(2026, 11, 5),
        ),
    )
    assert performance.currency == "CNY"
    assert performance.findings == ()


def test_gbk_and_xlsx_are_read_as_well() -> None:
    import openpyxl

    text = EXPORTS["aliexpress"]
    book = openpyxl.Workbook()
    book.create_sheet("说明", 0).append(["导出说明"])
    sheet = book["Sheet"]
    for line in text.splitlines():
        sheet.append([float(cell) if cell.replace(".", "").isdigit() else cell for cell in line.split(",")])
    file = io.BytesIO()
    book.save(file)
    expected = read(text)
    for content in (text.encode("gb18030"), file.getvalue()):
        assert read_performance([FigureTable("x", content)]).products == expected.products


def test_rows_of_a_product_are_added_up_and_the_best_named_column_is_used() -> None:
    performance = read(
        "sku,day,spend,下单数,支付订单数,revenue\nA,2026-11-01,10,9,2,50\nA,2026-11-03,20,9,3,70\nA,2026-11-02,0,0,0,0\n"
    )
    found = one(performance, "A")
    assert (found.orders, found.revenue, found.spend) == (5, Decimal(120), Decimal(30))
    assert (found.first_day, found.last_day) == (date(2026, 11, 1), date(2026, 11, 3))
    assert codes(performance) == ["FIGURES_COLUMN_TWICE"]


def test_headers_that_mean_nothing_are_taken_for_nothing() -> None:
    columns = understand(["SKU", "Cost per click", "Sales rank", "Spend", "ACOS"])
    assert set(columns.by_field) == {"sku", "spend"}
    assert columns.unused == ("Cost per click", "Sales rank", "ACOS")


@pytest.mark.parametrize("sku", ["TOTAL-CLEAN-1", "Totals4You", "小计时器-01", "合计算器", "Total Gym"])
def test_a_product_whose_name_begins_like_a_line_of_sums_counts(sku: str) -> None:
    assert one(read(f"sku,spend,orders,revenue\n{sku},10,1,50\n"), sku).orders == 1


@pytest.mark.parametrize(
    "words",
    [
        "Total",
        "totals",
        "Grand Total",
        "Sub-total:",
        "Total of 12 results",
        "合计",
        "总计（3）",
        "小计 3",
        "总计12条",
    ],
)
@pytest.mark.parametrize("row", ["{},10,1,50,x", "-,10,1,50,{}", ",10,1,50,{}"])
def test_lines_of_sums_are_passed_over(words: str, row: str) -> None:
    line = row.format(words)
    cells = line.split(",")
    text = f"campaign,sku,spend,orders,revenue\n{cells[-1]},{','.join(cells[:4])}\nc,A,10,1,50\n"
    performance = read(text)
    assert [product.sku for product in performance.products] == ["A"]
    assert codes(performance) == ["FIGURES_NO_DATES"]


def test_refunds_are_taken_off_what_was_sold() -> None:
    performance = read(
        "sku,spend,orders,revenue\nA,10,3,150\nA,0,0,-50\nB,10,1,50\nB,0,0,-50\nC,5,0,-20\nD,5,0,0\n"
    )
    assert (one(performance, "A").orders, one(performance, "A").revenue) == (3, Decimal(100))
    assert one(performance, "A").broken is None
    contradicts = one(performance, "B").broken
    assert contradicts is not None
    assert contradicts.code == "FIGURES_CONTRADICT"
    # An order of an earlier month came back: nothing was sold, as with D.
    ranked = {found.figures.sku: found for found in rank_products(performance.products).products}
    assert ranked["C"].estimate == ranked["D"].estimate


def test_a_margin_that_refunds_turn_over_is_told() -> None:
    performance = read("sku,spend,orders,revenue,margin\nA,1,2,100,20%\nA,0,0,-90,80%\n")
    broken = one(performance, "A").broken
    assert broken is not None
    assert "-5.20" in broken.message


def test_the_first_sheet_with_figures_is_read_and_the_others_are_told() -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.worksheets[0].append(["说明"])
    for name, orders in (("11-01", 2), ("11-02", 3)):
        sheet = book.create_sheet(name)
        sheet.append(["sku", "date", "spend", "orders", "revenue"])
        sheet.append(["A", "2026-11-01", 10, orders, 50])
    file = io.BytesIO()
    book.save(file)
    performance = read_performance([FigureTable("week.xlsx", file.getvalue())])
    assert one(performance, "A").orders == 2
    assert codes(performance) == ["FIGURES_SHEET_UNUSED"]
    assert "sheet 3" in performance.findings[0].message


# --- what cannot be read ---


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("A,2026-11-01,ten,1,50", "FIGURES_CELL_UNREADABLE"),
        ("A,2026-11-01,10,1.5,50", "FIGURES_CELL_UNREADABLE"),
        ("A,2026-11-01,-10,1,50", "FIGURES_CELL_UNREADABLE"),
        ("A,2026-11-01,10,-1,50", "FIGURES_CELL_UNREADABLE"),
        ("A,someday,10,1,50", "FIGURES_CELL_UNREADABLE"),
        ("A,11/05/2026,10,1,50", "FIGURES_CELL_UNREADABLE"),
        ("A,2026-11-01,10,,50", "FIGURES_CELL_EMPTY"),
        ("A,2026-11-01,10,1,#N/A", "FIGURES_CELL_UNREADABLE"),
    ],
)
def test_a_product_with_a_row_that_cannot_be_read_is_broken_and_the_others_are_not(
    row: str, code: str
) -> None:
    performance = read(f"sku,date,spend,orders,revenue\n{row}\nA,2026-11-02,10,1,50\nB,2026-11-02,10,1,50\n")
    broken = one(performance, "A").broken
    assert broken is not None
    assert broken.code == code
    assert codes(performance) == [code]
    assert broken.message_zh
    assert one(performance, "B").broken is None


@pytest.mark.parametrize(
    ("rows", "contradict"), [("A,10,0,50", True), ("A,10,3,0", True), ("A,10,0,50\nA,9,2,1", False)]
)
def test_orders_and_revenue_contradict_by_their_sums(rows: str, contradict: bool) -> None:
    """A console may book an order and its money on different days; over all rows they must go together."""
    performance = read(f"sku,spend,orders,revenue\n{rows}\n")
    assert ("FIGURES_CONTRADICT" in codes(performance)) is contradict
    assert (one(performance, "A").broken is not None) is contradict


def test_a_price_helps_where_nothing_was_sold_and_must_be_readable() -> None:
    performance = read("sku,spend,orders,revenue,price\nA,10,0,0,49.90\nB,10,1,50,cheap\nC,10,1,50,\n")
    assert one(performance, "A").price == Decimal("49.90")
    assert one(performance, "B").broken is not None
    assert one(performance, "C").broken is None


def test_a_row_without_a_sku_or_with_a_rounded_one_is_told() -> None:
    performance = read("sku,spend,orders,revenue\n,10,1,50\n1.00501E+15,10,1,50\nB,10,1,50\n,,,\n")
    assert codes(performance) == ["FIGURES_NO_DATES", "FIGURES_NO_SKU", "FIGURES_CELL_UNREADABLE"]
    assert [product.sku for product in performance.products] == ["B"]


def test_dashes_are_zeros_and_rows_of_nothing_are_passed_over() -> None:
    performance = read("sku,spend,orders,revenue\nA,10,-,--\nB,-,-,-\n")
    assert [product.sku for product in performance.products] == ["A"]
    assert (one(performance, "A").orders, one(performance, "A").revenue) == (0, 0)


def test_findings_are_bounded() -> None:
    rows = "".join(f"S{number},x,1,50\n" for number in range(1100))
    performance = read(f"sku,spend,orders,revenue\n{rows}")
    assert len(performance.findings) == 1001
    assert performance.findings[-1].code == "FIGURES_MORE"
    assert "101 more" in performance.findings[-1].message
    assert all(product.broken for product in performance.products)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "no header with a SKU column"),
        ("sku,orders,revenue\nA,1,2\n", "no column for spend"),
        ("sku,spend,revenue\nA,1,2\n", "no column for orders"),
        ("sku,spend,orders,turnover\nA,1,2,3\n", "no column for revenue.*turnover"),
        ("sku,spend,orders,revenue\n", "no row with a SKU"),
        ("<html><table></table></html>", "web page"),
    ],
)
def test_what_is_no_table_of_figures_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(FiguresError, match=said) as caught:
        read(text)
    assert "\n" not in str(caught.value)


def test_every_line_of_an_export_is_read_once() -> None:
    """Of 100,000 rows, looking for each from the first line on takes half a minute."""

    class Lines(list[str]):
        reads = 0

        def __iter__(self) -> Iterator[str]:
            for line in super().__iter__():
                self.reads += 1
                yield line

        def __getitem__(self, index: Any) -> Any:
            self.reads += 1
            return super().__getitem__(index)

    lines = Lines(f"A,2026-11-01,{number}\n" for number in range(500))
    assert len(_records(lines, ",", None)) == 500
    assert lines.reads == 500


# --- days ---


def test_only_days_that_count_are_added_up_both_ends_included() -> None:
    text = "sku,date,spend,orders,revenue\n" + "".join(f"A,2026-11-{day:02},1,1,10\n" for day in range(1, 11))
    performance = read(text, since=date(2026, 11, 3), until=date(2026, 11, 6))
    assert one(performance, "A").orders == 4
    assert (performance.rows, performance.rows_before) == (4, 6)
    with pytest.raises(FiguresError, match="newest are of 2026-11-10"):
        read(text, since=date(2026, 11, 11), until=date(2026, 12, 11))


@pytest.mark.parametrize(("day", "counted", "told"), [(6, 2, []), (7, 1, ["FIGURES_AHEAD"])])
def test_days_to_come_are_left_out_and_told(day: int, counted: int, told: list[str]) -> None:
    text = f"sku,date,spend,orders,revenue\nA,2026-11-02,1,1,10\nA,2026-11-{day:02},1,1,10\n"
    performance = read(text, since=date(2026, 11, 1), until=date(2026, 11, 6))
    assert (performance.rows, codes(performance)) == (counted, told)


# --- currencies ---


def test_nothing_is_nothing_in_every_currency() -> None:
    performance = read("sku,spend,orders,revenue\nA,$10,2,$50\nB,$3,0,0\nC,-,0,-\nC,0,0,$1\n")
    assert performance.currency == "USD"
    assert one(performance, "B").spend == Decimal(3)
    assert not any(product.broken for product in performance.products if product.sku != "C")
    assert read("sku,spend,orders,revenue\nA,0 元,0,0\n").currency == "CNY"


def test_one_currency_needs_no_rate_and_several_become_cny() -> None:
    usd = "sku,date,spend,orders,revenue,currency\nA,2026-11-05,10,1,50,USD\n"
    assert read(usd).currency == "USD"
    both = usd + "B,2026-11-05,10,1,50,CNY\n"
    rates = ExchangeRates.of([parse_rate("USD@2026-11-01", "7.10")])
    performance = read(both, rates=rates)
    assert performance.currency == "CNY"
    assert one(performance, "A").spend == Decimal("71.0")
    assert one(performance, "B").spend == Decimal(10)
    without = read(both)
    assert codes(without) == ["FIGURES_NO_RATE"] * 2
    assert one(without, "A").broken is not None
    assert one(without, "B").broken is None


def test_currencies_that_contradict_or_are_missing_beside_named_ones_are_told() -> None:
    performance = read("sku,spend (USD),orders,revenue,currency\nA,10 €,1,50,\nB,1,1,5,CNY\nC,1,1,5,\n")
    assert one(performance, "A").broken is not None
    assert one(performance, "B").broken is not None
    assert {"FIGURES_CURRENCY_UNCLEAR"} < set(codes(performance))


def test_a_column_of_codes_knows_better_than_a_shared_sign() -> None:
    performance = read("sku,spend,orders,revenue,currency\nA,$10,1,$50,SGD\nB,¥10,1,¥50,SGD\n")
    assert performance.currency == "SGD"
    assert not any(product.broken for product in performance.products)


# --- several files ---

ADS = "sku,date,spend,orders,revenue\nA,2026-11-01,10,2,50\n"
SALES = "sku,date,orders,revenue\nA,2026-11-01,9,450\n"
SPEND = "sku,date,spend,clicks\nA,2026-11-01,10,30\n"


def test_orders_that_came_by_ads_are_not_mixed_with_all_orders() -> None:
    performance = read(ADS, SALES)
    assert (one(performance, "A").orders, one(performance, "A").revenue) == (2, Decimal(50))
    assert codes(performance) == ["FIGURES_SALES_UNUSED"]


def test_sales_stand_in_where_no_ad_export_has_orders() -> None:
    found = one(read(SPEND, SALES), "A")
    assert (found.orders, found.revenue, found.spend, found.clicks) == (9, Decimal(450), Decimal(10), 30)


def test_spend_whose_orders_are_nowhere_is_refused() -> None:
    with pytest.raises(FiguresError, match=r"file2\.csv has spend without its orders"):
        read(ADS, SPEND)
    with pytest.raises(FiguresError, match="different files"):
        read("sku,spend,orders\nA,1,1\n", "sku,revenue\nA,5\n")


def test_the_same_file_counts_once() -> None:
    performance = read(ADS, ADS)
    assert one(performance, "A").orders == 2
    assert codes(performance) == ["FIGURES_FILE_TWICE"]


MORE = "sku,date,campaign,spend,orders,revenue\n"


def test_a_row_that_two_exports_share_counts_once() -> None:
    first = f"{MORE}A,2026-11-01,x,10,2,50\nA,2026-11-02,x,10,2,50\nA,2026-11-02,x,10,2,50\n"
    second = f"{MORE}A,2026-11-02,x,10,2,50\nA,2026-11-02,x,10,2,50\nA,2026-11-03,x,10,2,50\n"
    performance = read(first, second)
    # Two equal rows of one export are two ad groups that did alike; the other export repeats both.
    assert one(performance, "A").orders == 8
    assert codes(performance) == ["FIGURES_ROWS_TWICE"]
    assert performance.findings[0].subject == "file2.csv"
    assert performance.findings[0].message.startswith("2 rows stand in file1.csv as well")


def test_figures_that_a_later_export_corrects_are_told_and_other_campaigns_are_not() -> None:
    first = f"{MORE}A,2026-11-01,x,10,2,50\n"
    corrected = read(first, f"{MORE}A,2026-11-01,x,10,3,75\n")
    assert codes(corrected) == ["FIGURES_OVERLAP"]
    assert one(corrected, "A").orders == 5
    for other in ("A,2026-11-01,y,10,3,75", "B,2026-11-01,x,10,3,75", "A,2026-11-02,x,10,3,75"):
        assert codes(read(first, f"{MORE}{other}\n")) == []
    for header in ("Campaign ID", "campaignID", "计划ID", "计划编号"):
        by_id = f"sku,date,{header},spend,orders,revenue\n"
        assert codes(read(f"{by_id}A,2026-11-01,17,1,1,5\n", f"{by_id}A,2026-11-01,18,2,1,6\n")) == []
    # Another console's export is another one's figures.
    assert codes(read(first, "sku,date,spend,orders,revenue\nA,2026-11-01,10,2,50\n")) == []


# --- margins ---


def test_margins_weigh_by_revenue_and_are_unknown_where_a_row_has_none() -> None:
    performance = read(
        "sku,spend,orders,revenue,margin\nA,1,1,100,20%\nA,1,1,300,0.4\nB,1,1,100,20%\nB,1,1,100,\nC,1,0,0,0.3\n"
    )
    assert one(performance, "A").margin_ratio == Decimal("0.35")
    assert one(performance, "B").margin_ratio is None
    assert one(performance, "C").margin_ratio == Decimal("0.3")


@pytest.mark.shared_data
def test_real_figures_without_money_are_refused_for_what_they_lack() -> None:
    if not SHARED.exists():
        pytest.skip("the shared data are absent")
    content = (SHARED / "women_image_daily.csv").read_bytes()
    with pytest.raises(FiguresError, match="no column for spend"):
        read_performance([FigureTable("women_image_daily.csv", content)])


CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            "-",
            "0",
            "1",
            "12.5",
            "1,200.00",
            "¥3",
            "$4",
            "2026-11-05",
            "11/05/2026",
            "Total",
            "#N/A",
            "50%",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.lists(CELLS, min_size=7, max_size=7), max_size=6))
def test_whatever_the_cells_hold_every_row_is_counted_told_or_nothing(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["sku", "date", "spend", "orders", "revenue", "margin", "currency"])
    writer.writerows(rows)
    try:
        performance = read(out.getvalue())
    except FiguresError:
        return
    for product in performance.products:
        assert product.orders >= 0
        assert product.spend >= 0
        assert product.revenue > 0 or not product.orders or not product.spend or product.broken
        assert product.margin_ratio is None or 0 < product.margin_ratio <= 1
        assert product.broken is None or product.broken in performance.findings
    ranked = rank_products(performance.products).products
    assert {one.figures.sku for one in ranked} == {one.sku for one in performance.products}
