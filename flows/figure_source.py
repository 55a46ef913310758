"""Where figures are read from: a path, an address in storage, or rows that a person pasted."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from skuflow.catalog.tables import ROW_FILE_SUFFIXES, row_file_content
from skuflow.insights.figure_sheets import FiguresError, FigureTable
from skuflow.settings import Settings
from skuflow.storage.objects import ObjectStore, StorageError
from skuflow.storage.places import OSS_SCHEME, OssPlace

STANDING_PREFIX = "figures/"
"""Where in storage figures are looked for when none are named: put every week's exports there."""
FILES_LIMIT = 60
_SUFFIXES = ROW_FILE_SUFFIXES - {".json"}


class NoFiguresYetError(FiguresError):
    """Nothing was named, and there is nothing in the place where figures are looked for then."""


def read_figure_tables(figures: str, rows: str, settings: Settings, store: ObjectStore) -> list[FigureTable]:
    """The row files that ``figures`` means, or the pasted ``rows``; with neither, all below ``figures/`` of storage.

    ``figures`` is a file or folder of this machine, else a key or prefix of storage, also as oss://BUCKET/KEY.
    Raises FiguresError in one line that says what to do (NoFiguresYetError where nothing was named and nothing is
    there), StorageError.
    """
    named = figures.strip()
    if named and rows.strip():
        raise FiguresError(
            "figures are given twice; name a file or paste rows, and empty the other field",
            message_zh="数据指定了两次；请指定文件或粘贴行，另一栏留空",
        )
    if rows.strip():
        return [FigureTable("pasted rows", rows.strip("\ufeff\r\n ").encode())]
    if "\n" in named:
        raise FiguresError(
            "figures names a file, a folder or an address; paste the rows into the field rows",
            message_zh="figures 一栏只填文件、文件夹或地址；表格行请粘贴到 rows 一栏",
        )
    if named.startswith(OSS_SCHEME):
        return _from_storage(_key_of(named, settings), named, store)
    if named and _is_on_disk(named):
        return _from_disk(Path(named))
    if not named and not any(_is_row_file(key) for key in store.list(STANDING_PREFIX)):
        raise NoFiguresYetError(
            f"no figures are in {STANDING_PREFIX} of storage, so nothing is ranked; put a CSV or XLSX export with sku,"
            " spend, orders and revenue there, name a file, or paste rows",
            message_zh=f"存储的 {STANDING_PREFIX} 中没有数据，未做排名；请放入含 sku、花费、订单数、成交金额的 CSV 或"
            " XLSX，或指定文件，或粘贴行",
        )
    return _from_storage(named or STANDING_PREFIX, named or f"{STANDING_PREFIX} of storage", store)


def _is_on_disk(named: str) -> bool:
    try:
        return Path(named).exists()
    except OSError as error:
        raise FiguresError(
            f"{named[:60]}...: no name of a file ({error.strerror}); name a file, or paste the rows into the field"
            " rows",
            message_zh=f"{named[:60]}……：不是文件名；请指定文件，或把表格行粘贴到 rows 一栏",
        ) from error


def _from_disk(path: Path) -> list[FigureTable]:
    if path.is_file():
        return [FigureTable(path.name, row_file_content(path))]
    files = sorted(file for file in path.iterdir() if file.is_file() and _is_row_file(file.name))
    _require_some(len(files), str(path))
    return [FigureTable(file.name, row_file_content(file)) for file in files]


def _from_storage(key: str, named: str, store: ObjectStore) -> list[FigureTable]:
    key = key.strip("/")
    try:
        if key and _is_row_file(key) and store.exists(key):
            return [FigureTable(PurePosixPath(key).name, store.get(key))]
        prefix = f"{key}/" if key else ""
        keys = [found for found in store.list(prefix) if _is_row_file(found)] if prefix else []
    except StorageError as error:
        raise FiguresError(
            f"{named}: {error}", message_zh=f"{named}：存储读取失败；请检查存储配置后重试"
        ) from error
    _require_some(len(keys), named)
    return [FigureTable(found.removeprefix(prefix), store.get(found)) for found in keys]


def _key_of(address: str, settings: Settings) -> str:
    """The key behind an address below SKUFLOW_STORAGE; other buckets are other people's, with other keys."""
    place = settings.storage
    base = f"{place.address}/" if isinstance(place, OssPlace) else ""
    if not base or not address.startswith(base):
        raise FiguresError(
            f"{address}: not below SKUFLOW_STORAGE; put the figures there, name a file, or paste their rows",
            message_zh=f"{address}：不在 SKUFLOW_STORAGE 之下；请把数据放到其中，或指定文件，或粘贴行",
        )
    return address.removeprefix(base)


def _is_row_file(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in _SUFFIXES and not path.name.startswith((".", "~$"))


def _require_some(count: int, named: str) -> None:
    if count == 0:
        raise FiguresError(
            f"{named}: no figures are there; put a CSV or XLSX export with sku, spend, orders and revenue there,"
            " name another file, or paste rows",
            message_zh=f"{named}：没有数据；请放入含 sku、花费、订单数、成交金额的 CSV 或 XLSX，"
            "或指定其他文件，或粘贴行",
        )
    if count > FILES_LIMIT:
        raise FiguresError(
            f"{named}: {count} files, more than {FILES_LIMIT}; keep those of the last weeks",
            message_zh=f"{named}：有 {count} 个文件，超过 {FILES_LIMIT} 个；请只保留最近几周的",
        )
