"""One catalog row understood: a product, or a row that is refused with its reasons."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from skuflow.catalog import values
from skuflow.catalog.columns import Column, Columns, currency_code
from skuflow.catalog.extras import EXTENSIONS, ExtraWishes
from skuflow.catalog.image_files import ImageFiles, is_link, web_address
from skuflow.catalog.kinds import kind_of
from skuflow.catalog.plain_text import plain_text
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.tables import Row
from skuflow.catalog.values import CellError
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.markets import find_market
from skuflow.listing.motions import UnknownMotionError, all_motions, motion_for
from skuflow.listing.styles import all_styles, find_style

_SKU_LIMIT_CHARS = 120
_TITLE_LIMIT_CHARS = 1000
PHOTOS_LIMIT = 12
"""More photos of one product than any marketplace shows; the rest is left out."""
_VALUES_ASTRAY = frozenset({"ROW_BROKEN_QUOTES", "ROW_TOO_MANY_COLUMNS"})
"""Nothing is to be said of such a row's values, which belong to other columns."""
_ROUNDED_NUMBER = re.compile(r"\d[.,]\d+E\+\d+", re.IGNORECASE)
_ATTRIBUTES_EXAMPLE = '{"材质": "不锈钢", "容量": "380 ml"}'
_LIST_EXAMPLE = '["first", "second"]'


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row with a SKU that cannot become a product; ``findings`` say why, at least one of them an error.

    ``row`` is the row's number in a spreadsheet (the header is row 1 where it stands at the top). ``product`` is what
    could be understood of it, so that everything wrong with it is told at once; nothing is ever made of it. Of a row
    whose values stand in wrong columns it holds the SKU only.
    """

    sku: str
    row: int
    findings: tuple[Finding, ...]
    product: Product


@dataclass(slots=True)
class RowReader:
    """Turns rows of one file into products. ``photos_by_sku`` are those of a row that names none.

    ``header_row`` is the header's own number; product sources count the rows after it from 1.
    """

    columns: Columns
    files: ImageFiles
    catalog: str
    header_row: int
    photos_by_sku: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    def sku(self, row: Row) -> str:
        """The row's SKU, "" where it has none."""
        cell = next((row.cells[c.index] for c in self.columns.of("sku") if _cell(row, c)), "")
        return "" if values.is_unreadable(cell) or values.HALF.search(cell) else cell

    def read(self, row: Row) -> tuple[Product | RejectedRow, tuple[Finding, ...]]:
        """The product of a row that has a SKU, or the refused row; and all findings of the row either way."""
        whole = replace(row, cells=tuple(values.HALF.sub("", cell) for cell in row.cells))
        reading = _RowReading(self, whole)
        product = reading.product(self.sku(row))
        findings = tuple(reading.findings)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return RejectedRow(self.sku(row), row.number, findings, product), findings
        return product, findings


def _cell(row: Row, column: Column) -> str:
    return row.cells[column.index] if column.index < len(row.cells) else ""


@dataclass(slots=True)
class _RowReading:
    """The reading of one row; collects findings on the way."""

    reader: RowReader
    row: Row
    findings: list[Finding] = field(default_factory=list)
    points_in_attributes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def product(self, sku: str) -> Product:
        """The product as far as it can be understood; whether that is far enough say the findings."""
        self.findings.extend(self.row.findings)
        self._check_shape(sku)
        source = ProductSource(catalog=self.reader.catalog, row=self.row.number - self.reader.header_row)
        if any(finding.code in _VALUES_ASTRAY for finding in self.findings):
            return Product(sku=sku, titles={}, source=source)
        titles = self._titles()
        attributes = self._attributes()
        category = self._text("category")
        price, currency = self._price()
        extras = self._extras()
        fields = {
            "brand": self._text("brand"),
            "price": price,
            "currency": currency,
            "selling_points": self._selling_points(),
            "target_markets": self._markets(),
            "images": self._images(sku, needed=not extras.without_photo),
            "description": plain_text(self._text("description")),
            "style": self._style(),
            "extras": extras,
        }
        return Product(
            sku=sku,
            titles=titles,
            category=category,
            kind=kind_of(titles, category, attributes),
            attributes=attributes,
            source=source,
            **fields,
        )

    def _note(self, code: str, column: str | None = None, **details: Any) -> None:
        self.findings.append(row_finding(code, self.row.number, column, **details))

    def _check_shape(self, sku: str) -> None:
        header = self.reader.columns.header("sku")
        if self.row.broken is not None:
            self._note("ROW_BROKEN_QUOTES", reason=self.row.broken)
        elif any(self.row.cells[self.reader.columns.width :]):
            count = len(self.row.cells)
            self._note("ROW_TOO_MANY_COLUMNS", count=count, width=self.reader.columns.width)
        if len(sku) > _SKU_LIMIT_CHARS:
            self._note(
                "ROW_BAD_SKU",
                header,
                value=sku,
                reason=f"over {_SKU_LIMIT_CHARS} characters",
                reason_zh=f"超过 {_SKU_LIMIT_CHARS} 个字符",
            )
        elif not sku.isprintable():
            self._note(
                "ROW_BAD_SKU", header, value=repr(sku), reason="control characters", reason_zh="含控制字符"
            )
        elif _ROUNDED_NUMBER.fullmatch(sku):
            self._note(
                "ROW_BAD_SKU",
                header,
                value=sku,
                reason="a long number that a spreadsheet has rounded",
                reason_zh="长数字已被表格软件取整",
            )

    def _filled(self, name: str) -> list[tuple[Column, str]]:
        """The filled and readable cells of a field, best column first."""
        filled = []
        for column in self.reader.columns.of(name):
            cell = _cell(self.row, column)
            if cell and values.is_unreadable(cell):
                self._note("ROW_UNREADABLE_CELL", column.header, value=cell)
            elif cell:
                filled.append((column, cell))
        return filled

    def _text(self, name: str) -> str:
        filled = self._filled(name)
        return filled[0][1] if filled else ""

    def _titles(self) -> dict[str, str]:
        titles: dict[str, str] = {}
        for column, cell in self._filled("title"):
            title = " ".join(plain_text(cell).split())[:_TITLE_LIMIT_CHARS]
            if title:
                titles.setdefault(column.language or values.language_of(title), title)
        if not titles:
            self._note("ROW_NO_TITLE", self.reader.columns.header("title"))
        return titles

    def _price(self) -> tuple[Decimal | None, str | None]:
        price: Decimal | None = None
        currency: str | None = None
        for column, cell in self._filled("price"):
            try:
                price, own = values.parse_price(cell)
            except CellError:
                self._note("ROW_BAD_PRICE", column.header, value=cell)
                continue
            currency = column.currency or own
            break
        named = self._text("currency")
        code = currency_code(named) if named else None
        if named and code is None:
            self._note("ROW_BAD_CURRENCY", self.reader.columns.header("currency"), value=named)
        return price, (code or currency) if price is not None else None

    def _attributes(self) -> dict[str, str]:
        attributes: dict[str, str] = {}
        for column, cell in self._filled("attributes"):
            for name, value in self._attribute_cell(column, cell).items():
                attributes.setdefault(name, value)
        for column, cell in self._filled("attribute"):
            attributes.setdefault(column.attribute, cell)
        return attributes

    def _attribute_cell(self, column: Column, cell: str) -> Mapping[str, str]:
        if values.looks_like_json(cell):
            try:
                points, rest = values.points_among_attributes(cell)
                self.points_in_attributes.update(points)
                return values.attributes_from_json(rest)
            except CellError as error:
                self._note(
                    "ROW_BAD_JSON",
                    column.header,
                    reason=error,
                    reason_zh=error.reason_zh,
                    example=_ATTRIBUTES_EXAMPLE,
                )
                return {}
        attributes, strays = values.attributes_from_text(cell)
        for stray in strays:
            self._note("ROW_BAD_ATTRIBUTE", column.header, value=stray)
        return attributes

    def _selling_points(self) -> dict[str, tuple[str, ...]]:
        points = dict(self.points_in_attributes)
        for column, cell in self._filled("selling_points"):
            try:
                pieces = values.text_list(cell)
            except CellError as error:
                self._note(
                    "ROW_BAD_JSON",
                    column.header,
                    reason=error,
                    reason_zh=error.reason_zh,
                    example=_LIST_EXAMPLE,
                )
                continue
            if pieces:
                language = column.language or values.language_of(" ".join(pieces))
                points[language] = tuple(dict.fromkeys((*points.get(language, ()), *pieces)))
        return points

    def _markets(self) -> tuple[str, ...]:
        codes: dict[str, None] = {}
        for column, cell in self._filled("target_markets"):
            for piece in self._market_names(column, cell):
                market = find_market(piece)
                if market is None:
                    self._note("ROW_UNKNOWN_MARKET", column.header, value=piece)
                else:
                    codes[market.code] = None
        return tuple(codes)

    def _market_names(self, column: Column, cell: str) -> tuple[str, ...]:
        if not values.looks_like_json(cell):
            return values.split_list(cell, ";；,，、|/\n")
        try:
            return values.text_list(cell)
        except CellError as error:
            self._note(
                "ROW_BAD_JSON", column.header, reason=error, reason_zh=error.reason_zh, example='["US", "ES"]'
            )
            return ()

    def _style(self) -> str | None:
        named = self._text("style")
        style = find_style(named) if named else None
        if named and style is None:
            choices = ", ".join(style.id for style in all_styles())
            self._note("ROW_UNKNOWN_STYLE", self.reader.columns.header("style"), value=named, choices=choices)
        return style.id if style else None

    def _extras(self) -> ExtraWishes:
        return ExtraWishes(
            model_photo=self._file("model_photo"),
            model=self._text("model_description"),
            line_art=self._file("line_art"),
            concept=self._text("concept"),
            atmosphere=self._text("atmosphere"),
            motion=self._motion(),
            extend=self._extend(),
        )

    def _extend(self) -> str:
        named = self._text("extend").replace("：", ":").replace(" ", "")
        if named and named not in EXTENSIONS:
            choices = ", ".join(EXTENSIONS)
            self._note(
                "ROW_UNKNOWN_RATIO", self.reader.columns.header("extend"), value=named, choices=choices
            )
            return ""
        return named

    def _motion(self) -> str:
        named = self._text("motion")
        if not named:
            return ""
        try:
            return motion_for(None, "", named).id
        except UnknownMotionError:
            choices = ", ".join(motion.id for motion in all_motions())
            self._note(
                "ROW_UNKNOWN_MOTION", self.reader.columns.header("motion"), value=named, choices=choices
            )
            return ""

    def _file(self, field_name: str) -> str:
        """The path of a file that a cell names, "" where there is none."""
        name = self._text(field_name)
        if not name:
            return ""
        path = None if is_link(name) else self.reader.files.find(name)
        if path is None:
            code = "ROW_IMAGE_REMOTE" if is_link(name) else "ROW_IMAGE_MISSING"
            self._note(code, self.reader.columns.header(field_name), value=name)
        return str(path) if path is not None else ""

    def _images(self, sku: str, *, needed: bool) -> tuple[str, ...]:
        """Paths of files, and the addresses of photos that are links, in the catalog's order."""
        found: dict[str, None] = {}
        header = self.reader.columns.header("images")
        for column, cell in self._filled("images"):
            for name in self._image_names(column, cell):
                image = web_address(name) if is_link(name) else self._existing(name)
                if image is not None:
                    found[image] = None
                else:
                    self._note("ROW_IMAGE_MISSING", column.header, value=name)
        if not found:
            found = dict.fromkeys(str(path) for path in self.reader.photos_by_sku.get(sku, ()))
        if not found and needed:
            self._note("ROW_NO_IMAGE", header)
        images = tuple(found)[:PHOTOS_LIMIT]
        if len(found) > PHOTOS_LIMIT:
            self._note("PHOTO_TOO_MANY", header, count=len(found), limit=PHOTOS_LIMIT)
        if remote := sum(is_link(image) for image in images):
            self._note("PHOTO_REMOTE", header, count=remote)
        return images

    def _existing(self, name: str) -> str | None:
        path = self.reader.files.find(name)
        return None if path is None else str(path)

    def _image_names(self, column: Column, cell: str) -> tuple[str, ...]:
        if cell.startswith("["):
            try:
                return values.text_list(cell)
            except CellError as error:
                self._note(
                    "ROW_BAD_JSON",
                    column.header,
                    reason=error,
                    reason_zh=error.reason_zh,
                    example='["a.jpg", "b.jpg"]',
                )
                return ()
        names: list[str] = []
        for piece in values.split_list(cell, ";；\n|"):
            if is_link(piece):
                names.extend(re.split(r"\s*,\s*(?=https?://|//)", piece))
            elif re.search("[,，]", piece) and self.reader.files.find(piece) is None:
                names.extend(values.split_list(piece, ",，"))
            else:
                names.append(piece)
        return tuple(names)
