"""The findings that reading a product page can have: code, severity, and what to do in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from skuflow.listing.findings import Finding, Severity

_WARNING, _INFO = Severity.WARNING, Severity.INFO

LINK_FINDINGS: Mapping[str, tuple[Severity, str, str]] = MappingProxyType(
    {
        "LINK_READ": (
            _INFO,
            "read from the page: {value}; compare it with the page before the kit is published",
            "从页面读取：{value_zh}；发布前请与页面核对",
        ),
        "LINK_FIELDS_MISSING": (
            _INFO,
            "the page does not say: {value}; put the product into a catalog file to add it",
            "页面未提供：{value_zh}；如需补充，请把商品写入表格",
        ),
        "LINK_SKU_MADE_UP": (
            _INFO,
            "the page gives no SKU, so its address gives {value}; put the product into a catalog file to use your own",
            "页面没有 SKU，已按网址生成 {value}；如需使用自己的 SKU，请把商品写入表格",
        ),
        "LINK_VARIANTS": (
            _INFO,
            "the page sells {count} variants and {taken} is taken; for another, copy the address with that one chosen",
            "页面有 {count} 个规格，已取 {taken}；如需其他规格，请选中后重新复制网址",
        ),
        "LINK_PRICES_DIFFER": (
            _WARNING,
            "the page gives {others} beside the price {taken} ({source}); check which one holds",
            "页面同时给出 {others} 与 {taken}（{source}）；请核对价格",
        ),
        "LINK_DATA_BROKEN": (
            _INFO,
            "{count} pieces of the page's structured data are damaged and were passed over; check the product",
            "页面中 {count} 段结构化数据损坏或过大，已跳过；请核对商品信息",
        ),
        "LINK_REDIRECTED": (
            _INFO,
            "the address leads on to {value}; check that this is the product",
            "网址跳转到 {value}；请确认是该商品",
        ),
        "LINK_PHOTO_REFUSED": (
            _WARNING,
            "photo {value} is left out: {reason}; save it by hand if it is needed",
            "已忽略图片 {value}：{reason_zh}；如需使用请手动保存",
        ),
        "LINK_PHOTOS_MORE": (
            _INFO,
            "the page shows more than {count} photos and the first {count} are taken; add others in a catalog file",
            "页面图片超过 {count} 张，只取前 {count} 张；如需其他图片请写入表格",
        ),
    }
)  # fmt: skip


def link_finding(
    code: str, subject: str, words: Mapping[str, str], *, severity: Severity | None = None
) -> Finding:
    """The finding ``code`` about ``subject``; ``words`` fill its messages.

    Raises KeyError for a code that does not exist and for a word that is missing.
    """
    usual, message, message_zh = LINK_FINDINGS[code]
    shown = {name: text if len(text) <= 300 else f"{text[:297]}..." for name, text in words.items()}
    return Finding(
        code=code,
        severity=severity or usual,
        subject=subject,
        message=message.format(**shown),
        message_zh=message_zh.format(**shown),
        measured=shown.get("value"),
    )
