"""Which column is which: canonical names, Chinese ones, and those of common exports."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

_ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "sku": "sku|variant sku|seller sku|item sku|sku code|sku id|商品编码|货号|商家编码|商家外部编码|"
        "商品货号|sku编码|sku码|sku编号|商品sku|产品sku|规格编码|外部编码|商品外部编码|商品编号|款号|产品编号|产品编码|"
        "产品货号|宝贝编码|goods_sn|item_sku|outer id|handle|url handle|slug|商品id|宝贝id|宝贝数字id|产品id|id",
        "title": "title|标题|商品标题|商品名称|产品名称|产品标题|宝贝标题|宝贝名称|商品名|品名|名称|商品主题|产品主题|"
        "name|product name|product title|item name|item title|subject",
        "category": "category|类目|分类|商品类目|商品分类|产品分类|产品类目|宝贝类目|宝贝分类|所属类目|类目名称|"
        "商品品类|产品品类|品类|类别|type|product type|product category|categories|category1|商品分组|产品分组|"
        "店铺分类|google product category",
        "brand": "brand|品牌|vendor|manufacturer|brand name|商品品牌|品牌名|品牌名称|brands",
        "price": "price|价格|售价|单价|销售价|零售价|商品价格|宝贝价格|产品价格|一口价|现价|促销价|优惠价|拼单价|"
        "团购价|团单价|单买价|供货价|批发价|variant price|sale price|standard price|retail price|regular price|"
        "unit price",
        "currency": "currency|币种|货币|price currency|currency code|货币单位",
        "attributes": "attributes|attribute|attrs|属性|参数|规格|规格参数|商品属性|产品属性|宝贝属性|类目属性|产品参数|"
        "商品参数|商品规格|产品规格|specs|specification|specifications",
        "selling_points": "selling points|selling point|卖点|商品卖点|产品卖点|宝贝卖点|核心卖点|商品亮点|亮点|bullets|"
        "bullet point|bullet points|features|key features|highlights",
        "target_markets": "target markets|target market|markets|market|目标市场|市场|国家|目标国家|销售国家|"
        "销售市场|countries|country",
        "images": "images|image|主图|图片|商品图片|产品图片|宝贝图片|宝贝主图|商品主图|产品主图|商品图|图片链接|"
        "图片路径|图片地址|图片url|主图链接|主图地址|主图url|商品轮播图|轮播图|商品主图链接|橱窗图|附图|副图|"
        "image src|image url|image urls|image link|main image|main image url|"
        "other image url|additional image link|variant image|photo|photos|pictures|picture|picture url|pic url|"
        "product image url|gallery",
        "description": "description|描述|详情|商品描述|商品详情|产品描述|产品详情|宝贝描述|宝贝详情|详细描述|详情描述|"
        "商品简介|body html|body|product description|long description|short description|简介",
        "style": "style|风格|样式风格|视觉风格|场景风格",
        "model_photo": "model photo|model image|模特图|模特照片|模特图片",
        "model_description": "model description|模特描述|模特|模特要求",
        "line_art": "line art|line drawing|sketch|线稿|线稿图",
        "concept": "concept|concept picture|概念图|概念描述|文生图",
        "atmosphere": "atmosphere|atmosphere shot|氛围|氛围镜头|氛围视频",
        "motion": "motion|motion preset|运镜|视频动作",
        "extend": "extend|extend to|扩图|扩图比例",
    }
)
"""Canonical column -> names, best first: where a file has several, the first that is filled in a row
counts.
"""

_ATTRIBUTE_NAMES = frozenset(
    re.findall(
        r"\w+",
        "材质 颜色 尺寸 重量 容量 功率 电压 型号 产地 面料 宽度 高度 深度 长度 直径 净重 毛重 材料 尺码 "
        "产品尺寸 包装尺寸 material color colour size weight capacity wattage voltage power width height depth "
        "length diameter dimensions productdimensions model warranty",
    )
)
"""Columns that are attributes under their own name, without a prefix."""

_LANGUAGES: Mapping[str, str] = MappingProxyType(
    {
        "中文": "zh",
        "中": "zh",
        "cn": "zh",
        "chinese": "zh",
        "英文": "en",
        "英语": "en",
        "english": "en",
        "西班牙语": "es",
        "西语": "es",
        "spanish": "es",
        "法语": "fr",
        "法文": "fr",
        "french": "fr",
        "葡萄牙语": "pt",
        "葡语": "pt",
        "portuguese": "pt",
        "俄语": "ru",
        "俄文": "ru",
        "russian": "ru",
        "德语": "de",
        "德文": "de",
        "german": "de",
        "日语": "ja",
        "日文": "ja",
        "jp": "ja",
        "japanese": "ja",
    }
)
_LANGUAGE_CODES = frozenset(
    re.findall(r"\w+", "en es fr pt ru de ja zh it ko ar pl nl tr th vi id ms he uk cs sv da fi hu ro el")
)
_CURRENCIES = {
    "元": "CNY", "人民币": "CNY", "rmb": "CNY", "￥": "CNY", "¥": "CNY", "cn¥": "CNY",
    "美元": "USD", "美金": "USD", "$": "USD", "us$": "USD", "欧元": "EUR", "€": "EUR",
    "英镑": "GBP", "£": "GBP", "日元": "JPY", "jp¥": "JPY", "卢布": "RUB", "₽": "RUB",
    "雷亚尔": "BRL", "r$": "BRL", "澳元": "AUD", "加元": "CAD", "韩元": "KRW", "₩": "KRW",
}  # fmt: skip

_ATTRIBUTE_PREFIX = re.compile(r"^(?:attr|attribute|属性|参数)\s*[.:：．]\s*(?P<name>.+)$", re.IGNORECASE)
COLUMNS_LIMIT = 2000
"""Far beyond any export; a file with more is no product table, and its header would take minutes to understand."""
_HEADER_LIMIT_CHARS = 80
"""Longer cells are no column names; a data row must not be searched for one at length."""
_BRACKETS = re.compile(r"[(\[【](?P<inside>[^)\]】]*)[)\]】]")


@dataclass(frozen=True, slots=True)
class Column:
    """What the column at ``index`` means.

    ``field`` is a canonical name; "attribute" = a single attribute called ``attribute``. ``rank`` orders
    columns of one field (0 = best). ``language`` is set for title_zh and the like, ``currency`` for
    price_cny.
    """

    index: int
    header: str
    field: str
    rank: int = 0
    language: str | None = None
    currency: str | None = None
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """A catalog's header, understood. ``unused`` are headers that mean nothing to this program."""

    width: int
    by_field: Mapping[str, tuple[Column, ...]]
    unused: tuple[str, ...]

    def of(self, field: str) -> tuple[Column, ...]:
        return self.by_field.get(field, ())

    def header(self, field: str) -> str:
        """The file's own name of a field, for messages; the canonical one where the file has no such
        column.
        """
        columns = self.of(field)
        return columns[0].header if columns else field


def header_score(cells: Sequence[str]) -> int:
    """How many cells are known column names; 0 unless both a SKU and a title are among them, and for rows of more
    than ``COLUMNS_LIMIT`` cells.
    """
    if len(cells) > COLUMNS_LIMIT:
        return 0
    fields = [column.field for column in (_column(index, cell) for index, cell in enumerate(cells)) if column]
    return len(fields) if "sku" in fields and "title" in fields else 0


def understand(cells: Sequence[str]) -> Columns:
    """The meaning of every header cell; case, spaces, underscores and full-width forms make no difference."""
    by_field: dict[str, list[Column]] = {}
    unused = []
    for index, cell in enumerate(cells):
        column = _column(index, cell)
        if column is not None:
            by_field.setdefault(column.field, []).append(column)
        elif cell.strip():
            unused.append(cell.strip())
    ordered = {
        field: tuple(sorted(columns, key=lambda column: (column.rank, column.index)))
        for field, columns in by_field.items()
    }
    return Columns(len(cells), ordered, tuple(unused))


def named_columns(headers: Mapping[str, str]) -> Columns:
    """Columns of a table that was put together from a shop's export: canonical field -> what the export calls it."""
    return Columns(
        len(headers),
        {field: (Column(index, header, field),) for index, (field, header) in enumerate(headers.items())},
        (),
    )


def currency_code(text: str) -> str | None:
    """The ISO 4217 code that ``text`` ("USD", "元", "€") names, None where it names none."""
    token = text.strip().casefold()
    if token in _CURRENCIES:
        return _CURRENCIES[token]
    return token.upper() if re.fullmatch(r"[a-z]{3}", token) else None


def _column(index: int, cell: str) -> Column | None:
    header = " ".join(unicodedata.normalize("NFKC", cell).split())
    if not header or len(header) > _HEADER_LIMIT_CHARS:
        return None
    prefixed = _ATTRIBUTE_PREFIX.match(header)
    if prefixed:
        return Column(index, header, "attribute", attribute=prefixed["name"].strip())
    exact = _match(index, header, _key(header))
    if exact is not None:
        return exact
    bracket = _BRACKETS.search(header)
    bare = _key(_BRACKETS.sub("", header))
    if bracket is not None and bare:
        column = _match(index, header, bare + _key(bracket["inside"])) or _match(index, header, bare)
        if column is not None:
            return column
    return None


def _match(index: int, header: str, key: str) -> Column | None:
    known = _canonical_keys()
    numbered = re.sub(r"\d+", "", key) if key[-1:].isdigit() or key.startswith("image") else key
    for name in (key, numbered):
        if name in known and (name == key or known[name][0] in {"selling_points", "images"}):
            field, rank = known[name]
            return Column(index, header, field, rank)
    if key in _ATTRIBUTE_NAMES:
        return Column(index, header, "attribute", attribute=_BRACKETS.sub("", header).strip())
    return _qualified(index, header, key)


def _qualified(index: int, header: str, key: str) -> Column | None:
    """title_zh, 中文标题, selling_points_es, price_cny, 价格（元）."""
    known = _canonical_keys()
    for cut in range(1, len(key)):
        for base, qualifier in ((key[:cut], key[cut:]), (key[cut:], key[:cut])):
            if base not in known:
                continue
            field, rank = known[base]
            language = _LANGUAGES.get(qualifier) or (qualifier if qualifier in _LANGUAGE_CODES else None)
            if field in {"title", "selling_points", "description"} and language is not None:
                return Column(index, header, field, rank, language=language)
            if field == "price" and (currency := _known_currency(qualifier)):
                return Column(index, header, field, rank, currency=currency)
    return None


def _known_currency(qualifier: str) -> str | None:
    if qualifier in _CURRENCIES:
        return _CURRENCIES[qualifier]
    code = qualifier.upper()
    return code if code in {*_CURRENCIES.values(), "MXN", "PLN", "SGD", "HKD", "TWD"} else None


@cache
def _canonical_keys() -> Mapping[str, tuple[str, int]]:
    keys: dict[str, tuple[str, int]] = {}
    for field, names in _ALIASES.items():
        for rank, name in enumerate(names.split("|")):
            keys.setdefault(_key(name), (field, rank))
    return keys


def _key(text: str) -> str:
    return re.sub(r"[\s_\-./:*#()]+", "", unicodedata.normalize("NFKC", text).casefold())
