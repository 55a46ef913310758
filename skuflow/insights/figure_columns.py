"""Which column of a sales or ad export is which.

The names are those that the advertising consoles of Amazon, TikTok and AliExpress are generally known to write, in
English and Chinese; no console was at hand to check them against. An unknown header is never taken for something.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from skuflow.catalog.columns import COLUMNS_LIMIT, currency_code

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "sku": "sku|advertised sku|seller sku|merchant sku|sku code|item sku|商家编码|商品编码|货号|sku编码|sku编号|"
        "商品sku|sku id|product id|item id|spu id|product spu id|商品id|产品id|宝贝id|商品编号",
        "date": "date|day|by day|stat time day|start date|report date|日期|统计日期|数据日期|投放日期|时间|开始日期",
        "category": "category|product category|类目|商品类目|分类|所属类目",
        "impressions": "impressions|impression|product impressions|曝光量|曝光|曝光次数|展现量|展示量|展示次数|展示数",
        "clicks": "clicks|click|clicks destination|clicks all|product clicks|点击量|点击|点击次数|点击数",
        "orders": "orders|7 day total orders|14 day total orders|total orders|sku orders|orders shop|purchases|"
        "complete payment|total complete payment|conversions|支付订单数|成交订单数|订单数|订单量|成交笔数|"
        "支付笔数|sku订单数|转化数|下单数",
        "revenue": "revenue|7 day total sales|14 day total sales|total sales|sales|gross revenue|gross revenue shop|"
        "total complete payment value|total purchase value|purchase value|gmv|支付金额|成交金额|成交额|"
        "总收入|销售额|收入|订单金额|转化金额",
        "spend": "spend|ad spend|cost|total cost|ad cost|amount spent|花费|消耗|总花费|总消耗|广告花费|广告费|推广花费|"
        "推广费用|费用",
        "currency": "currency|currency code|币种|货币|货币单位",
        "margin": "margin|gross margin|profit margin|毛利率|利润率",
        "price": "price|售价|单价|销售价|价格",
    }
)
"""Meaning -> names, best first: where a file has several, the first is used and the others are told."""

MONEY = ("revenue", "spend", "price")
MEASURES = ("impressions", "clicks", "orders", "revenue", "spend")
_BRACKETS = re.compile(r"[(\[【（](?P<inside>[^)\]】）]*)[)\]】）]")
_HEADER_LIMIT_CHARS = 80


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """The column at ``index``; ``currency`` where its header names one ("花费(元)", "Cost (USD)")."""

    index: int
    header: str
    rank: int
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class FigureColumns:
    """A header, understood. ``passed_over``: further columns of a meaning that has a better one."""

    by_field: Mapping[str, FigureColumn]
    passed_over: tuple[tuple[str, FigureColumn], ...]
    unused: tuple[str, ...]

    def has(self, *fields: str) -> bool:
        return all(field in self.by_field for field in fields)


def header_score(cells: Sequence[str]) -> int:
    """How many cells are known names; 0 unless a SKU and a measure are among them."""
    if len(cells) > COLUMNS_LIMIT:
        return 0
    fields = understand(cells).by_field
    return len(fields) if "sku" in fields and any(measure in fields for measure in MEASURES) else 0


def understand(cells: Sequence[str]) -> FigureColumns:
    """The meaning of every header cell; case, spaces, punctuation and full-width forms make no difference."""
    best: dict[str, FigureColumn] = {}
    over: list[tuple[str, FigureColumn]] = []
    unused: list[str] = []
    for index, cell in enumerate(cells):
        found = _column(index, cell)
        if found is None:
            if cell.strip():
                unused.append(" ".join(cell.split()))
            continue
        field, column = found
        known = best.get(field)
        if known is None:
            best[field] = column
        elif column.rank < known.rank:
            best[field] = column
            over.append((field, known))
        else:
            over.append((field, column))
    return FigureColumns(best, tuple(over), tuple(unused))


def _column(index: int, cell: str) -> tuple[str, FigureColumn] | None:
    header = " ".join(unicodedata.normalize("NFKC", cell).split())
    if not header or len(header) > _HEADER_LIMIT_CHARS:
        return None
    names = _names()
    bracket = _BRACKETS.search(header)
    for key in (_key(header), _key(_BRACKETS.sub("", header))):
        if key in names:
            field, rank = names[key]
            inside = currency_code(bracket["inside"]) if bracket and field in MONEY else None
            return field, FigureColumn(index, header, rank, inside)
    return None


@cache
def _names() -> Mapping[str, tuple[str, int]]:
    return {
        _key(name): (field, rank)
        for field, names in _ALIASES.items()
        for rank, name in enumerate(names.split("|"))
    }


def _key(text: str) -> str:
    return re.sub(r"[\s_\-./:*#()]+", "", unicodedata.normalize("NFKC", text).casefold())
