"""Rows that a person pasted into a form, as a file that catalogs are read from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from skuflow.catalog.errors import CatalogError
from skuflow.storage.files import write_whole

_FOLDER = "pasted"
_KEPT_CHARS = 12


def pasted_catalog(rows: str, home: Path) -> Path:
    """The rows as a file below ``home``, named by their content. Copied from a spreadsheet they have tabs, from a CSV
    commas; JSON is taken as well.

    Raises CatalogError where there is no header with rows below it.
    """
    text = rows.strip("\ufeff\r\n ")
    if text.startswith(("[", "{")):
        suffix = ".json"
    else:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise CatalogError(
                "the pasted rows have no row below the header; copy the header line and at least one product",
                message_zh="粘贴的内容只有表头；请连同表头复制至少一行商品",
            )
        suffix = ".tsv" if "\t" in lines[0] else ".csv"
    path = home / _FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:_KEPT_CHARS]}{suffix}"
    # Another run may be reading the same rows.
    write_whole(path, f"{text}\n".encode())
    return path


def catalog_name(catalog: str) -> str:
    """What reports call a catalog: pasted rows by their content, since the file that keeps them tells nobody anything;
    all others as they were named.
    """
    path = Path(catalog)
    if path.parent.name == _FOLDER and re.fullmatch(f"[0-9a-f]{{{_KEPT_CHARS}}}", path.stem):
        return f"pasted-rows-{path.stem}"
    return catalog
