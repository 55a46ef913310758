"""What can be wrong with sales and ad figures, in words that say what to do."""

from __future__ import annotations

from types import MappingProxyType

from skuflow.listing.findings import Finding, Severity

_WORDS = MappingProxyType(
    {
        "FIGURES_CELL_UNREADABLE": (
            Severity.ERROR,
            "{value!r} is {why}; mend the cell, {sku} is not ranked until then",
            "“{value}”无法识别（{why_zh}）；请修正该单元格，在此之前 {sku} 不参与排名",
        ),
        "FIGURES_CELL_EMPTY": (
            Severity.ERROR,
            "empty beside other figures; write 0 if there was nothing, {sku} is not ranked until then",
            "该单元格为空而同行有其他数据；如确为零请填 0，在此之前 {sku} 不参与排名",
        ),
        "FIGURES_NO_SKU": (
            Severity.ERROR,
            "the row has figures but no SKU and is left out; fill in the SKU",
            "该行有数据但没有 SKU，已忽略；请补填 SKU",
        ),
        "FIGURES_NO_RATE": (
            Severity.ERROR,
            "{why}; {sku} is not ranked until then",
            "缺少 {value} 的汇率；请在 SKUFLOW_EXCHANGE_RATES 中添加，在此之前 {sku} 不参与排名",
        ),
        "FIGURES_CURRENCY_UNCLEAR": (
            Severity.ERROR,
            "{why}; name the currency in a column of that name, {sku} is not ranked until then",
            "币种不明确（{why_zh}）；请增加“币种”列，在此之前 {sku} 不参与排名",
        ),
        "FIGURES_CONTRADICT": (
            Severity.ERROR,
            "{why}; check the export, {sku} is not ranked until then",
            "数据相互矛盾（{why_zh}）；请检查导出文件，在此之前 {sku} 不参与排名",
        ),
        "FIGURES_COLUMN_TWICE": (
            Severity.INFO,
            "{value!r} is used for this; {why} is left alone",
            "此项采用“{value}”列，{why} 列未使用",
        ),
        "FIGURES_SALES_UNUSED": (
            Severity.INFO,
            "orders and revenue of this file are left alone, since {value} has both together",
            "{value} 已同时含订单和收入，本文件的订单和收入未使用",
        ),
        "FIGURES_FILE_TWICE": (
            Severity.WARNING,
            "the same bytes as {value}; counted once",
            "与 {value} 内容完全相同，只计一次",
        ),
        "FIGURES_ROWS_TWICE": (
            Severity.WARNING,
            "{value} rows stand in {why} as well, the same in every cell, and count once; keep one export for each"
            " span of days",
            "{value} 行与 {why} 中的行完全相同，只计一次；每段日期请只保留一份导出",
        ),
        "FIGURES_OVERLAP": (
            Severity.WARNING,
            "{value} rows are of days and SKUs that {why} has with other figures, and both count; if these are two"
            " exports of the same days, remove the older one",
            "{value} 行与 {why} 的日期和 SKU 相同但数据不同，两者都已计入；若为同一时段的两次导出，请删除较早的一份",
        ),
        "FIGURES_AHEAD": (
            Severity.WARNING,
            "{value} rows are of days still to come and are left out; check whether day and month were swapped",
            "{value} 行的日期尚未到来，已忽略；请检查日与月是否颠倒",
        ),
        "FIGURES_SHEET_UNUSED": (
            Severity.WARNING,
            "sheet {value} of the workbook has figures too and is left alone; if they count, save it as a file of"
            " its own",
            "工作簿的第 {value} 个工作表也有数据，未使用；如需计入，请另存为单独的文件",
        ),
        "FIGURES_NO_DATES": (
            Severity.INFO,
            "there is no date column, so all of its rows count, whatever days they are of",
            "没有日期列，因此全部行都计入，不区分日期",
        ),
        "FIGURES_MORE": (
            Severity.WARNING,
            "{value} more findings are not listed; mend those above first",
            "另有 {value} 条问题未列出；请先处理以上问题",
        ),
    }
)


def figure_finding(
    code: str, subject: str, *, value: str = "", why: str = "", why_zh: str = "", sku: str = ""
) -> Finding:
    """The finding of a code; ``subject`` names file, row and column."""
    severity, message, message_zh = _WORDS[code]
    words = {"value": value[:60], "why": why, "why_zh": why_zh or why, "sku": sku or "the product"}
    return Finding(
        code=code,
        severity=severity,
        subject=subject,
        message=message.format(**words),
        message_zh=message_zh.format(**words),
    )
