"""A link in: fetched, understood, its photos saved; one product in the shape that catalogs have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.kinds import kind_of
from skuflow.catalog.links.confined import PageJob, understand_confined
from skuflow.catalog.links.failures import photo_words, sentence, shown
from skuflow.catalog.links.link_findings import link_finding
from skuflow.catalog.links.photo_files import SavedPhoto, save_photos
from skuflow.catalog.links.shopify import product_json_addresses
from skuflow.catalog.links.told import PageProduct, PageTrouble
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import CatalogReading
from skuflow.fetching.contents import Content, content_of, text_of
from skuflow.fetching.errors import FetchError
from skuflow.fetching.web import Fetched, Web
from skuflow.listing.findings import Finding
from skuflow.storage.keys import sku_slug

MAX_PAGE_BYTES = 5 * 2**20
_MOST_S = 120.0
"""For one link altogether, photos included."""
_PAGE_S = 30.0
_BESIDE_S = 10.0
_ACCEPT = "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.5"
_FIELDS = {
    "title": ("title", "标题"), "sku": ("SKU", "SKU"), "brand": ("brand", "品牌"), "price": ("price", "价格"),
    "currency": ("currency", "币种"), "category": ("category", "类目"), "description": ("description", "描述"),
    "attributes": ("attributes", "属性"), "points": ("selling points", "卖点"), "images": ("photos", "图片"),
}  # fmt: skip
_NOTABLE = ("brand", "price", "category", "description", "attributes", "points")
_SOURCES_ZH = {"meta tags": "meta 标签", "microdata": "微数据", "page": "页面内容"}

T = TypeVar("T")


def read_link(address: str, folder: Path, *, allow_loopback: bool = False) -> CatalogReading:
    """The one product of a product page, as ``read_catalog`` gives those of a file.

    Its photos are saved in ``folder``/<slug of the SKU>, beside ``link.json``, which says what was read from where.
    ``allow_loopback``: links may lead to this machine; for tests. May be called from anywhere, also while an event
    loop runs. Raises CatalogError, with one sentence that says what to do.
    """
    return in_own_loop(read_link_with(address, folder, Web(allow_loopback=allow_loopback, most_s=_MOST_S)))


async def read_link_with(
    address: str, folder: Path, web: Web, understand: Callable[[PageJob], PageProduct] = understand_confined
) -> CatalogReading:
    """``read_link`` through a given web and a given reader of pages. Raises CatalogError."""
    asked = address.strip()
    try:
        fetched = await web.get(asked, max_bytes=MAX_PAGE_BYTES, accept=_ACCEPT, most_s=_PAGE_S)
        text = _page_text(fetched, asked)
        job = PageJob(
            text=text,
            address=fetched.address,
            asked=asked,
            shopify_json=await _shopify_json(text, fetched.address, web),
        )
        page = await asyncio.to_thread(understand, job)
    except FetchError as error:
        raise CatalogError(
            f"{shown(asked)}: {sentence(error)}",
            message_zh=f"{shown(asked)}：无法读取商品页（{photo_words(error)[1]}）；请检查链接，或把商品和图片放入商品表",
        ) from error
    except PageTrouble as trouble:
        raise CatalogError(
            f"{shown(asked)}: {trouble.message}",
            message_zh=f"{shown(asked)}：未能从该页面读出商品；请使用商品详情页的链接，或把商品和图片放入商品表",
        ) from trouble
    target = folder / sku_slug(page.sku)
    photos, refused = await save_photos(page.pictures, target, web)
    findings = (*_findings(page, asked, fetched.address), *refused)
    if not photos:
        raise CatalogError(
            f"{shown(asked)}: no photo of the product could be had from the page; save one by hand and put the product"
            " into a catalog file",
            findings,
            message_zh=f"{shown(asked)}：页面中的商品图片均无法获取；请手动保存一张，并把商品放入商品表",
        )
    product = _product(page, photos, asked)
    return CatalogReading(
        products=(product,),
        rejected=(),
        findings=findings,
        loose_findings=(),
        findings_by_sku={product.sku: findings},
        source=asked,
        row_file=_record(page, photos, target, asked),
    )


def in_own_loop(work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``, from a loop in a thread of its own where one runs here already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="link") as pool:
        return pool.submit(asyncio.run, work).result()


def _page_text(fetched: Fetched, asked: str) -> str:
    """The page as text. Raises PageTrouble for anything that is no page."""
    if _leads_to_start(asked, fetched.address):
        raise PageTrouble(
            "the address leads on to the shop's start page; the product is probably no longer there"
        )
    text = text_of(fetched.body, fetched.content_type)
    match content_of(fetched.body, text):
        case Content.HTML | Content.JSON:
            return text
        case Content.PICTURE | Content.SVG:
            raise PageTrouble(
                "the address is a picture's, not a product page's; save the picture and name it in a catalog file"
            )
        case Content.EMPTY:
            raise PageTrouble("the page is empty; open it in the browser and check the address")
        case Content.OTHER:
            raise PageTrouble(
                "the address gives a file that is no page; copy the address of the product's page"
            )


def _leads_to_start(asked: str, ended: str) -> bool:
    try:
        before, after = urlsplit(asked), urlsplit(ended)
    except ValueError:
        return False
    return before.path.strip("/") != "" and after.path.strip("/") == "" and not after.query


async def _shopify_json(text: str, address: str, web: Web) -> str:
    """The product's JSON beside a Shopify page, "" for other pages and where the shop does not give it."""
    for beside in product_json_addresses(text, address):
        try:
            fetched = await web.get(
                beside, max_bytes=MAX_PAGE_BYTES, accept="application/json", most_s=_BESIDE_S
            )
        except FetchError:
            continue
        found = text_of(fetched.body, fetched.content_type)
        if content_of(fetched.body, found) is Content.JSON:
            return found
    return ""


def _product(page: PageProduct, photos: Sequence[SavedPhoto], asked: str) -> Product:
    titles = {page.language: page.title}
    return Product(
        sku=page.sku,
        titles=titles,
        category=page.category,
        kind=kind_of(titles, page.category, page.attributes),
        brand=page.brand,
        price=page.price,
        currency=page.currency,
        attributes=page.attributes,
        selling_points={page.language: page.points} if page.points else {},
        images=tuple(str(photo.path.absolute()) for photo in photos),
        description=page.description,
        source=ProductSource(catalog=asked),
    )


def _findings(page: PageProduct, asked: str, ended: str) -> tuple[Finding, ...]:
    by_source: dict[str, list[str]] = {}
    for name, source in page.sources.items():
        by_source.setdefault(source, []).append(name)
    told = "; ".join(f"{_named(names, 0)} from {source}" for source, names in by_source.items())
    told_zh = "；".join(f"{_named(names, 1)}（{_source_zh(source)}）" for source, names in by_source.items())
    findings = [link_finding("LINK_READ", page.sku, {"value": told, "value_zh": told_zh})]
    missing = [name for name in _NOTABLE if not getattr(page, name)]
    if missing:
        words = {"value": _named(missing, 0), "value_zh": _named(missing, 1)}
        findings.append(link_finding("LINK_FIELDS_MISSING", page.sku, words))
    if "sku" not in page.sources:
        findings.append(link_finding("LINK_SKU_MADE_UP", page.sku, {"value": page.sku}))
    if _place(asked) != _place(ended):
        findings.append(link_finding("LINK_REDIRECTED", page.sku, {"value": shown(ended)}))
    findings.extend(link_finding(note.code, page.sku, note.words) for note in page.notes)
    return tuple(findings)


def _named(names: Sequence[str], language: int) -> str:
    """The fields' names, in English (0) or Chinese (1)."""
    return (
        ", ".join(_FIELDS[name][0] for name in names)
        if language == 0
        else "、".join(_FIELDS[name][1] for name in names)
    )


def _source_zh(source: str) -> str:
    return "、".join(_SOURCES_ZH.get(name, name) for name in source.split(", "))


def _place(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/")


def _record(page: PageProduct, photos: Sequence[SavedPhoto], folder: Path, asked: str) -> Path:
    """Write down what was read from where, for whoever asks later. Raises CatalogError."""
    path = folder / "link.json"
    record = {
        "asked": asked,
        **page.model_dump(mode="json", exclude={"pictures", "notes"}),
        "photos": [
            {"file": photo.path.name, "address": photo.address, "sha256": photo.sha256} for photo in photos
        ],
    }
    try:
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CatalogError(
            f"{path}: cannot be written; check its path, its rights and the disk",
            message_zh=f"{path}：无法写入；请检查路径、权限和磁盘",
        ) from error
    return path
