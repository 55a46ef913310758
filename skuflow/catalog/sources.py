"""What CATALOG means: a product link, a file or folder, or the name of a product."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.stored_catalog import brought_here
from skuflow.catalog.tables import ROW_FILE_SUFFIXES
from skuflow.storage.objects import ObjectStore
from skuflow.storage.places import OssPlace

_OTHER_SUFFIXES = frozenset(
    {".ods", ".xlsb", ".numbers", ".zip", ".xml", ".html", ".htm", ".pdf", ".yaml", ".yml"}
)
"""What people name as well when they mean a file; a sentence about the file is then of more use than a search."""
_SCHEME = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class SourceKind(StrEnum):
    LINK = "link"
    FILE = "file"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Shop:
    """Where products that are not in a named file come from.

    ``links`` is the folder for what is downloaded, ``allow_loopback`` for tests only. ``catalog`` is the shop's own
    catalog and ``store`` the storage with kits made before, at ``place``; in these names are looked up.
    ``makes_concepts`` says whether somebody can make a picture from words; it is asked only for a name that is not
    found.
    """

    links: Path
    allow_loopback: bool = False
    catalog: Path | None = None
    store: ObjectStore | None = None
    place: Path | OssPlace | None = None
    makes_concepts: Callable[[], bool] = lambda: False

    def brought_here(self, address: str) -> Path:
        """The catalog of an oss:// address as a path on this machine. Raises CatalogError, StorageError."""
        if self.store is None or self.place is None:
            raise CatalogError(
                f"{address}: no storage is at hand to read it from",
                message_zh=f"{address}：没有可用的存储，无法读取",
            )
        return brought_here(address, self.place, self.store, self.links.with_name("catalogs"))


def source_kind(catalog: str) -> SourceKind:
    """``http(s)://...`` is a link; what exists, has a path separator or a known suffix is a file or folder; anything
    else is a name. Raises ``CatalogError`` for addresses that are not of the web, and for nothing at all.
    """
    if not catalog.strip():
        raise CatalogError(
            "no catalog is named; give a CSV, XLSX or JSON file, a folder, a product link or a name",
            message_zh="未指定商品；请给出 CSV、XLSX 或 JSON 文件、文件夹、商品链接或商品名",
        )
    scheme = _SCHEME.match(catalog)
    if scheme is not None:
        if scheme["scheme"].lower() in ("http", "https"):
            return SourceKind.LINK
        raise CatalogError(
            f"{catalog}: only http and https links are read; download it and name the file",
            message_zh=f"{catalog}：仅支持 http 和 https 链接；请下载后改用文件",
        )
    path = Path(catalog)
    known = path.suffix.lower() in ROW_FILE_SUFFIXES | _OTHER_SUFFIXES
    if known or "/" in catalog or "\\" in catalog or _exists(path):
        return SourceKind.FILE
    return SourceKind.NAME


def read_source(catalog: str, shop: Shop, skus: Sequence[str] = ()) -> CatalogReading:
    """The products that ``catalog`` means; ``skus`` choose among products of the same name.

    Raises ``CatalogError``, with one line that says what to do, where there are none.
    """
    kind = source_kind(catalog)
    if kind is SourceKind.LINK:
        return _read_link_once(catalog, shop)
    if kind is SourceKind.FILE:
        path = Path(catalog)
        if not _exists(path):
            raise CatalogError(
                f"{_short(catalog)}: no such file or folder; name a CSV, XLSX or JSON file, or a folder with one",
                message_zh=f"{_short(catalog)}：没有该文件或文件夹；请指定 CSV、XLSX 或 JSON 文件，或含有它的文件夹",
            )
        return read_catalog(path, all_refused=True)
    from skuflow.catalog.names import read_name

    return read_name(catalog, shop, skus)


_just_read: dict[tuple[str, Path, bool], tuple[float, CatalogReading]] = {}
_FRESH_S = 300.0
"""A run reads its catalog twice, before Prefect's server is started and in the flow; the shop is asked once."""


def _read_link_once(address: str, shop: Shop) -> CatalogReading:
    from skuflow.catalog.links import read_link

    key = (address, shop.links.absolute(), shop.allow_loopback)
    known = _just_read.get(key)
    if known is not None and time.monotonic() - known[0] < _FRESH_S and _has_photos(known[1]):
        return known[1]
    reading = read_link(address, shop.links, allow_loopback=shop.allow_loopback)
    # Only the last: a worker that lives for weeks must not fill up.
    _just_read.clear()
    _just_read[key] = (time.monotonic(), reading)
    return reading


def _has_photos(reading: CatalogReading) -> bool:
    return all(Path(image).is_file() for product in reading.products for image in product.images)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        # Too long for the file system, or with a zero byte.
        return False


def _short(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 200 else f"{shown[:197]}..."
