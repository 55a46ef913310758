"""Which currency an amount of an export is in: its cell, its header or a column of codes says so."""

from __future__ import annotations

from skuflow.catalog.columns import currency_code
from skuflow.insights.figure_cells import DASHES


class CurrencyError(Exception):
    """Cell, header and currency column do not name one currency; why, in English and Chinese."""

    def __init__(self, reason: str, reason_zh: str) -> None:
        super().__init__(reason)
        self.reason_zh = reason_zh


def currency_named(of_cell: str | None, of_header: str | None, named: str) -> str:
    """The one currency that is named, empty where none is. Raises CurrencyError."""
    of_column = currency_code(named) if named and named not in DASHES else None
    if named and named not in DASHES and of_column is None:
        raise CurrencyError(f"{named[:20]!r} is no currency", f"“{named[:20]}”不是币种")
    # A column of ISO codes knows better than a sign such as $ or ¥, which several currencies share.
    if of_column is not None and of_cell in (None, "USD", "CNY"):
        of_cell = None
    said = {code for code in (of_cell, of_header, of_column) if code}
    if len(said) > 1:
        raise CurrencyError(
            f"both {' and '.join(sorted(said))} are named", f"同时出现 {'、'.join(sorted(said))}"
        )
    return next(iter(said), "")
