"""Exports whose spans of days overlap: the same row must not count twice, and figures that were corrected are told.

Only exports with the same header are compared. Equal rows within one export stay: two ad groups may have done alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from skuflow.catalog.tables import Row
from skuflow.insights.figure_findings import figure_finding
from skuflow.insights.figure_sheets import Sheet
from skuflow.listing.findings import Finding

_LETTER = re.compile(r"[^\W\d_]")
_NAMING = re.compile(r"\bid\b|(?-i:(?<=[a-z])ID\b)|(?<=[\u4e00-\u9fff])id\b|编号|编码|代码", re.IGNORECASE)
"""Headers of columns whose figures are names, such as the id of a campaign."""

_Header = tuple[str, ...]
_RowKey = tuple[_Header, tuple[str, ...]]
_PlaceKey = tuple[_Header, date, tuple[str, ...]]


class Overlaps:
    """Asked about every row that counts, sheet after sheet."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        headers = Counter(sheet.header for sheet in sheets)
        self._compared = {header for header, times in headers.items() if times > 1}
        self._known: dict[_RowKey, tuple[str, int]] = {}
        self._here: Counter[_RowKey] = Counter()
        self._places: dict[_PlaceKey, str] = {}
        self._repeated: Counter[tuple[str, str]] = Counter()
        self._changed: Counter[tuple[str, str]] = Counter()

    def is_repeated(self, sheet: Sheet, row: Row, day: date) -> bool:
        """Whether the row stands in an earlier sheet as well, the same in every cell."""
        if sheet.header not in self._compared:
            return False
        key = (sheet.header, row.cells)
        self._here[key] += 1
        name, times = self._known.get(key, ("", 0))
        if self._here[key] <= times:
            self._repeated[sheet.name, name] += 1
            return True
        # What has letters names campaign, market or product, and so do ids; the rest are figures.
        names = zip(row.cells, sheet.header, strict=False)
        words = tuple(cell for cell, header in names if _LETTER.search(cell) or _NAMING.search(header))
        sku = row.cells[sheet.columns.by_field["sku"].index]
        first = self._places.setdefault((sheet.header, day, (sku, *words)), sheet.name)
        if first != sheet.name:
            self._changed[sheet.name, first] += 1
        return False

    def sheet_ended(self, sheet: Sheet) -> None:
        for key, times in self._here.items():
            if times > self._known.get(key, ("", 0))[1]:
                self._known[key] = (sheet.name, times)
        self._here.clear()

    def findings(self) -> Iterator[Finding]:
        for code, pairs in (("FIGURES_ROWS_TWICE", self._repeated), ("FIGURES_OVERLAP", self._changed)):
            for (name, first), count in pairs.items():
                yield figure_finding(code, name, value=str(count), why=first)
