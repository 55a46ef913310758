"""The findings that a catalog row can have: code, severity, and what to do in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skuflow.listing.findings import Finding, Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

ROW_FINDINGS: Mapping[str, tuple[Severity, str, str]] = MappingProxyType(
    {
        "ROW_NO_SKU": (
            _ERROR,
            "the row has no SKU and is left out; fill in column {column}",
            "该行没有 SKU，已跳过；请填写“{column}”列",
        ),
        "ROW_BAD_SKU": (
            _ERROR,
            "{value} is not usable as a SKU ({reason}); correct it and format the column as text",
            "{value} 不能作为 SKU（{reason_zh}）；请改正，并把该列设为文本格式",
        ),
        "ROW_DUPLICATE_SKU": (
            _ERROR,
            "SKU {value} already stands in row {first}; this row is left out; give it its own SKU or delete it",
            "SKU {value} 与第 {first} 行重复，该行已跳过；请改用不同的 SKU 或删除该行",
        ),
        "ROW_NO_TITLE": (_ERROR, "no title; fill in column {column}", "没有标题；请填写“{column}”列"),
        "ROW_BAD_JSON": (
            _ERROR,
            "not valid JSON ({reason}); write {example}",
            "不是有效的 JSON（{reason_zh}）；请写成 {example}",
        ),
        "ROW_BAD_ATTRIBUTE": (
            _WARNING,
            "{value} is no attribute and is left out; write name:value;name:value or JSON",
            "{value} 不是属性，已忽略；请写成 名称:值;名称:值 或 JSON",
        ),
        "ROW_BAD_PRICE": (
            _WARNING,
            "price {value} is not one positive number and is left out; write it like 49.00",
            "价格 {value} 不是一个正数，已忽略；请写成 49.00",
        ),
        "ROW_BAD_CURRENCY": (
            _WARNING,
            "currency {value} is unknown and is left out; write a three-letter code such as CNY or USD",
            "币种 {value} 无法识别，已忽略；请写三位代码，如 CNY、USD",
        ),
        "ROW_NO_IMAGE": (
            _ERROR,
            "no photo was found; name an existing file in column {column}, or give a folder with the catalog and "
            "photos whose names start with the SKU",
            "找不到图片；请在“{column}”列填写存在的文件名，或指定含表格与图片的文件夹，图片名以 SKU 开头",
        ),
        "ROW_IMAGE_MISSING": (
            _WARNING,
            "photo {value} does not exist; correct the path (relative to the catalog file) or add the file",
            "图片 {value} 不存在；请改正路径（相对于表格文件）或补上文件",
        ),
        "ROW_IMAGE_REMOTE": (
            _WARNING,
            "picture {value} is a link, and only product photos are downloaded; save it and name the file",
            "图片 {value} 是网络链接，仅商品主图会自动下载；请保存到本地并填写文件名",
        ),
        "PHOTO_REMOTE": (
            _INFO,
            "{count} photos are links; they are downloaded when the SKU is checked or made",
            "{count} 张图片为网络链接；检查或制作该 SKU 时自动下载",
        ),
        "PHOTO_TOO_MANY": (
            _INFO,
            "{count} photos are named, the first {limit} are used",
            "填写了 {count} 张图片，仅使用前 {limit} 张",
        ),
        "PHOTO_NOT_DOWNLOADED": (
            _WARNING,
            "{photos} of {host} cannot be downloaded: {reason}; correct the links, or save the pictures and name the "
            "files",
            "{host} 的 {photos_zh} 无法下载：{reason_zh}；请改正链接，或把图片保存到本地并填写文件名",
        ),
        "ROW_VARIANTS": (
            _INFO,
            "one kit for {count} variants that share their pictures ({value})",
            "{count} 个规格共用图片，合并为一个素材包（{value}）",
        ),
        "ROW_ARCHIVED": (
            _INFO,
            "{value} is archived in the shop and is left out; set its status to active or draft to list it",
            "{value} 在店铺中已归档，已跳过；如需上架，请将状态改为 active 或 draft",
        ),
        "ROW_UNKNOWN_MARKET": (
            _WARNING,
            "market {value} is unknown and is left out; write a country code such as US, ES, BR, or EU, SEA",
            "市场 {value} 无法识别，已忽略；请写国家代码，如 US、ES、BR，或 EU、SEA",
        ),
        "ROW_UNKNOWN_STYLE": (
            _WARNING,
            "style {value} is unknown and is left out; choose from: {choices}",
            "风格 {value} 无法识别，已忽略；可选：{choices}",
        ),
        "ROW_UNKNOWN_MOTION": (
            _WARNING,
            "motion {value} is unknown and is left out; choose from: {choices}",
            "运镜 {value} 无法识别，已忽略；可选：{choices}",
        ),
        "ROW_UNKNOWN_RATIO": (
            _WARNING,
            "a photo cannot be extended to {value}; choose from: {choices}",
            "图片无法扩展为 {value}；可选：{choices}",
        ),
        "ROW_TOO_MANY_COLUMNS": (
            _ERROR,
            "{count} cells where the header has {width}, so values stand in wrong columns; "
            "put text with commas in quotes",
            "该行有 {count} 格，表头只有 {width} 列，内容已错位；含逗号的文字请加引号",
        ),
        "ROW_BROKEN_QUOTES": (
            _ERROR,
            'the quotes of this row do not match ({reason}); close every " and double those inside text',
            "该行引号不配对（{reason}）；请补全引号，文字中的引号写两次",
        ),
        "ROW_UNREADABLE_CELL": (
            _WARNING,
            "{value} is unreadable and is left out; correct the formula or the encoding",
            "{value} 无法读取，已忽略；请改正公式或编码",
        ),
        "CATALOG_COLUMNS_UNUSED": (
            _INFO,
            "columns that are not used: {value}; name a column attr.<name> to make it an attribute",
            "未使用的列：{value}；列名写成 属性.<名称> 即可作为属性",
        ),
    }
)  # fmt: skip


def row_finding(
    code: str, row: int, column: str | None = None, *, severity: Severity | None = None, **values: object
) -> Finding:
    """The finding ``code`` for a spreadsheet row (the header is row 1) and a column as the file names it."""
    usual, message, message_zh = ROW_FINDINGS[code]
    shown = {"column": column or "", **{name: _short(value) for name, value in values.items()}}
    return Finding(
        code=code,
        severity=severity or usual,
        subject=f"row {row}, column {column}" if column else f"row {row}",
        message=message.format(**shown),
        message_zh=message_zh.format(**shown),
        measured=str(shown["value"]) if "value" in shown else None,
    )


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else f"{text[:157]}..."
