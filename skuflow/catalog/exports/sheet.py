"""Rows of an export by the names of their columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import Row
from skuflow.catalog.values import is_unreadable
from skuflow.listing.findings import Finding


def key(header: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", header).casefold())


@dataclass(frozen=True)
class Sheet:
    """An export's header and the rows below it."""

    header: Row
    rows: Sequence[Row]

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Column numbers by ``key``; of equal names the first."""
        found: dict[str, int] = {}
        for number, cell in enumerate(self.header.cells):
            found.setdefault(key(cell), number)
        return found

    def name(self, *keys: str) -> str:
        """What the file calls the first of these columns that it has."""
        return next((self.header.cells[self.index[k]].strip() for k in keys if k in self.index), keys[0])

    def cell(self, row: Row, *keys: str) -> str:
        """The first filled of these cells; "" where there is none."""
        for name in keys:
            number = self.index.get(name)
            if number is not None and number < len(row.cells):
                cell = row.cells[number]
                if cell and not is_unreadable(cell):
                    return cell
        return ""

    def faults(self, row: Row) -> tuple[Finding, ...]:
        """What is wrong with the row's shape."""
        width = len(self.header.cells)
        if row.broken is not None:
            return (row_finding("ROW_BROKEN_QUOTES", row.number, reason=row.broken),)
        if any(row.cells[width:]):
            return (row_finding("ROW_TOO_MANY_COLUMNS", row.number, count=len(row.cells), width=width),)
        return ()
