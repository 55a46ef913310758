"""Photos that a catalog names by their addresses: downloaded once, some at a time, and kept by address."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from skuflow.catalog.image_files import is_link
from skuflow.catalog.product import Product
from skuflow.catalog.row_findings import row_finding
from skuflow.catalog.rows import RejectedRow
from skuflow.fetching.contents import picture_suffix
from skuflow.fetching.errors import FetchError, Trouble
from skuflow.fetching.web import Web
from skuflow.listing.findings import Finding, Severity

Fetch = Callable[[str], Awaitable[bytes]]
"""The bytes behind an address. Raises FetchError."""

PHOTO_LIMIT_BYTES = 25 * 2**20
AT_ONCE = 8
AT_ONCE_PER_HOST = 4
HOST_PATIENCE = 3
"""After so many addresses of one host that cannot be reached, the others of it are not tried in this run."""
_ONE_PHOTO_S = 60.0
_SUFFIXES = (".jpg", ".png", ".webp", ".gif", ".avif", ".heic", ".bmp", ".tif")
_SILENT = frozenset((Trouble.UNKNOWN_HOST, Trouble.UNREACHABLE, Trouble.TIMEOUT, Trouble.INSECURE))
_TELL_EVERY = 50

_REASONS: Mapping[Trouble, tuple[str, str]] = {
    Trouble.NOT_AN_ADDRESS: ("not a valid http(s) address", "不是有效的 http(s) 地址"),
    Trouble.CREDENTIALS: ("the address holds a user name or password", "地址中含用户名或密码"),
    Trouble.PORT: ("the port is none that shops are served on", "端口不允许"),
    Trouble.PRIVATE: ("the host is not on the public internet", "地址不在公网"),
    Trouble.UNKNOWN_HOST: ("there is no such host", "域名不存在"),
    Trouble.UNREACHABLE: ("the host cannot be reached", "服务器无法连接"),
    Trouble.INSECURE: ("the host has no valid certificate", "服务器证书无效"),
    Trouble.TIMEOUT: ("the host does not answer in time", "响应超时"),
    Trouble.STATUS: ("the host answers HTTP {status}", "服务器返回 HTTP {status}"),
    Trouble.REDIRECTS: ("the address leads on too often", "重定向过多"),
    Trouble.TOO_LARGE: ("the file is too large", "文件过大"),
    Trouble.BOMB: ("the file unpacks to far more than it is", "压缩内容异常"),
    Trouble.ENCODING: ("the answer is packed in an unknown way", "压缩内容无法解码"),
    Trouble.CUT_SHORT: ("the answer ends early", "响应不完整"),
}
_NAMED = 3
"""Photos of one host are named up to this many; the rest is counted."""


@dataclass(frozen=True, slots=True)
class NotDownloaded:
    """Why a photo is not there, in English and Chinese."""

    reason: str
    reason_zh: str


@dataclass(frozen=True, slots=True)
class LocalProducts:
    """Products whose photos are files. ``rejected`` are those of which no photo could be had; ``findings`` by SKU are
    what the downloads add.
    """

    products: tuple[Product, ...]
    rejected: tuple[RejectedRow, ...]
    findings: Mapping[str, tuple[Finding, ...]]


def web_fetch(*, allow_loopback: bool = False) -> Fetch:
    """Fetching from the web as everything is that strangers name: public addresses only, bounded, nothing repeated."""

    async def fetch(address: str) -> bytes:
        web = Web(allow_loopback=allow_loopback, most_s=_ONE_PHOTO_S)
        fetched = await web.get(
            address, max_bytes=PHOTO_LIMIT_BYTES, accept="image/*,*/*;q=0.5", most_s=_ONE_PHOTO_S
        )
        return fetched.body

    return fetch


def kept_photo(address: str, folder: Path) -> Path | None:
    """The file in ``folder`` that holds the photo of that address, None before it was downloaded."""
    stem = _stem(address)
    return next((path for suffix in _SUFFIXES if (path := folder / f"{stem}{suffix}").is_file()), None)


def with_kept_photos(products: Sequence[Product], folder: Path) -> tuple[Product, ...]:
    """The products, with a file for every photo that was downloaded before; the other links stay."""
    return tuple(
        product.model_copy(
            update={"images": tuple(str(kept_photo(image, folder) or image) for image in product.images)}
        )
        if any(map(is_link, product.images))
        else product
        for product in products
    )


def with_local_photos(
    products: Sequence[Product], folder: Path, fetch: Fetch, say: Callable[[str], None]
) -> LocalProducts:
    """The products with files for all their photos, downloading what is missing; ``say`` is told of how much that is.

    A photo that cannot be had is left out with a finding; a product without any other is rejected.
    """
    links = dict.fromkeys(image for product in products for image in product.images if is_link(image))
    had = download(links, folder, fetch, say) if links else {}
    kept: list[Product] = []
    rejected: list[RejectedRow] = []
    findings: dict[str, tuple[Finding, ...]] = {}
    for product in products:
        if not any(map(is_link, product.images)):
            kept.append(product)
            continue
        got = [(image, had.get(image, Path(image))) for image in product.images]
        missed = [(image, why) for image, why in got if isinstance(why, NotDownloaded)]
        found = _not_downloaded(missed)
        images = tuple(str(path) for _, path in got if isinstance(path, Path))
        if not images and not product.extras.without_photo:
            # What blocks the product is that they could not be had: none is missing in the catalog.
            found = [finding.model_copy(update={"severity": Severity.ERROR}) for finding in found]
            bare = product.model_copy(update={"images": ()})
            rejected.append(RejectedRow(product.sku, product.source.row or 0, tuple(found), bare))
        else:
            kept.append(product.model_copy(update={"images": images}))
        if found:
            findings[product.sku] = tuple(found)
    return LocalProducts(tuple(kept), tuple(rejected), findings)


def download(
    addresses: Iterable[str], folder: Path, fetch: Fetch, say: Callable[[str], None]
) -> dict[str, Path | NotDownloaded]:
    """A file in ``folder`` for every address, or why there is none. What is there already is not fetched again."""
    had: dict[str, Path | NotDownloaded] = {}
    missing = []
    for address in addresses:
        path = kept_photo(address, folder)
        if path is None:
            missing.append(address)
        else:
            had[address] = path
    if missing:
        say(f"downloading {len(missing)} photos ({len(had)} are there already) ...")
        had.update(asyncio.run(_Downloads(folder, fetch, say, len(missing)).all_of(missing)))
        failed = sum(isinstance(result, NotDownloaded) for result in had.values())
        if failed:
            say(f"{failed} of {len(had)} photos cannot be downloaded")
    return had


class _Downloads:
    """One batch of downloads, bounded altogether and per host."""

    def __init__(self, folder: Path, fetch: Fetch, say: Callable[[str], None], count: int) -> None:
        self._folder = folder
        self._fetch = fetch
        self._say = say
        self._count = count
        self._done = 0
        self._silent: Counter[str] = Counter()
        self._why_silent: dict[str, NotDownloaded] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._at_host: dict[str, asyncio.Semaphore] = {}

    async def all_of(self, addresses: Sequence[str]) -> dict[str, Path | NotDownloaded]:
        results = await asyncio.gather(*(self._one(address) for address in addresses))
        return dict(zip(addresses, results, strict=True))

    async def _one(self, address: str) -> Path | NotDownloaded:
        host = _host(address)
        # The host's own turn first, lest those who wait for a slow host keep the others waiting.
        at_host = self._at_host.setdefault(host, asyncio.Semaphore(AT_ONCE_PER_HOST))
        async with at_host, self._at_once:
            result = await self._got(address, host)
        self._done += 1
        if self._done % _TELL_EVERY == 0:
            self._say(f"{self._done} of {self._count} photos")
        return result

    async def _got(self, address: str, host: str) -> Path | NotDownloaded:
        if self._silent[host] >= HOST_PATIENCE:
            return self._why_silent[host]
        try:
            body = await self._fetch(address)
        except FetchError as error:
            reason, reason_zh = (words.format(status=error.status) for words in _REASONS[error.trouble])
            why = NotDownloaded(reason, reason_zh)
            if error.trouble in _SILENT:
                self._silent[host] += 1
                self._why_silent[host] = why
            return why
        self._silent[host] = 0
        suffix = picture_suffix(body)
        if suffix is None:
            return NotDownloaded("what lies there is no picture", "该地址不是图片")
        try:
            return await asyncio.to_thread(_keep, body, self._folder / f"{_stem(address)}{suffix}")
        except OSError as error:
            said = error.strerror or type(error).__name__
            return NotDownloaded(f"it cannot be saved: {said}", f"无法保存：{said}")


def _keep(body: bytes, path: Path) -> Path:
    """Write whole or not at all: another run may be reading."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return path.absolute()


def _stem(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _not_downloaded(missed: Sequence[tuple[str, NotDownloaded]]) -> list[Finding]:
    """One finding for each host and cause, however many photos of it are missing."""
    together: dict[tuple[str, NotDownloaded], list[str]] = {}
    for address, why in missed:
        together.setdefault((_host(address), why), []).append(_file_name(address))
    return [_missing_at(host, why, names) for (host, why), names in together.items()]


def _missing_at(host: str, why: NotDownloaded, names: Sequence[str]) -> Finding:
    shown, more = ", ".join(names[:_NAMED]), len(names) - _NAMED
    one = len(names) == 1
    finding = row_finding(
        "PHOTO_NOT_DOWNLOADED",
        0,
        photos=f"photo {shown}" if one else f"{len(names)} photos ({shown}{', ...' if more > 0 else ''})",
        photos_zh=f"图片 {shown} " if one else f" {len(names)} 张图片（{shown}{' 等' if more > 0 else ''}）",
        host=host or "?",
        reason=why.reason,
        reason_zh=why.reason_zh,
    )
    return finding.model_copy(update={"subject": host[:160] or "?", "measured": str(len(names))})


def _file_name(address: str) -> str:
    """What a person finds the photo by. What follows the question mark may be a signature, and signatures are no
    business of a kit.
    """
    path = address.partition("?")[0].partition("#")[0].rstrip("/")
    name = path.rpartition("/")[2]
    return name if len(name) <= _NAME_LIMIT_CHARS else f"...{name[-_NAME_LIMIT_CHARS:]}"


_NAME_LIMIT_CHARS = 40
