"""A product by its name: in the shop's catalog, among the kits made before, or as a concept that has only a name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from skuflow.catalog import values
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.extras import ExtraWishes
from skuflow.catalog.image_files import is_link
from skuflow.catalog.kept_photos import COPIES, with_photos
from skuflow.catalog.kinds import kind_of
from skuflow.catalog.name_match import ACCEPT, LEAD, NAME_LIMIT_CHARS, SUGGEST, ranked
from skuflow.catalog.plain_text import plain_text
from skuflow.catalog.product import Product, ProductSource
from skuflow.catalog.readers import CatalogReading, read_catalog
from skuflow.catalog.rows import RejectedRow
from skuflow.catalog.sources import Shop
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.objects import ObjectStore, StorageError

KITS_LIMIT = 2000
"""So many kits in storage are looked at; a shop with more has a catalog."""
_SHOWN = 5
_WORTH_SHOWING = 15.0
_SHOWN_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Known:
    """A product that can be named, or a row of the catalog that would be it if it were usable."""

    sku: str
    titles: tuple[str, ...]
    product: Product | None
    refused: RejectedRow | None = None
    findings: tuple[Finding, ...] = ()
    where: str = ""


def read_name(name: str, shop: Shop, skus: Sequence[str] = ()) -> CatalogReading:
    """The one product of that name; ``skus`` choose where several have it.

    A name that nothing is like becomes a concept where ``shop.makes_concepts``: a product of words alone, marked as
    such. Raises ``CatalogError``, in one line that says what to do, where no product or no single one is meant.
    """
    asked = " ".join(plain_text(name).split())
    if not any(character.isalnum() for character in asked) or len(asked) > NAME_LIMIT_CHARS:
        raise CatalogError(
            f"{asked[:60]!r} is no product name; give its title or SKU, a catalog file, or a product link",
            message_zh=f"“{asked[:60]}”不是商品名；请给出标题或 SKU、商品表文件，或商品链接",
        )
    known = _known(shop)
    chosen = _chosen(asked, known, skus, shop)
    if chosen is not None:
        return chosen
    if not shop.makes_concepts():
        raise CatalogError(
            _not_found(asked, shop, known),
            message_zh=f"没有找到名为“{asked}”的商品；请把它和图片放入商品表、给出商品链接，"
            "或在 SKUFLOW_PROVIDERS 中指定支持文生图的供应商",
        )
    return _concept(asked)


def _chosen(
    asked: str, known: Mapping[str, _Known], skus: Sequence[str], shop: Shop
) -> CatalogReading | None:
    """The product that is meant, None where nothing is like it. Raises CatalogError where several are."""
    fits = ranked(asked, {sku: entry.titles for sku, entry in known.items() if not skus or sku in skus})
    near = [(sku, score) for sku, score in fits if score >= SUGGEST]
    if not near:
        return None
    if skus:
        picked = [(sku, score) for sku, score in near if sku in skus]
        return _reading(asked, [(known[sku], score) for sku, score in picked], shop)
    best, score = near[0]
    second = near[1][1] if len(near) > 1 else 0.0
    exact = score >= 100.0 > second
    if exact or (score >= ACCEPT and score - second >= LEAD):
        return _reading(asked, [(known[best], score)], shop)
    shown = [sku for sku, other in near if other >= score - _WORTH_SHOWING][:_SHOWN]
    several = "; ".join(f"{sku} ({_title(known[sku])})" for sku in shown)
    question = "which one is meant" if len(shown) > 1 else "is this one meant"
    raise CatalogError(
        f"{asked!r}: {question}? {several}; give the full title, or the SKU (form: skus, command line: --sku)",
        message_zh=f"“{asked}”：是否指 {several}？请填写完整标题，或 SKU（表单 skus 栏，命令行 --sku）",
    )


def _title(known: _Known) -> str:
    title = known.titles[0] if known.titles else known.sku
    return title if len(title) <= _SHOWN_TITLE_CHARS else f"{title[: _SHOWN_TITLE_CHARS - 3]}..."


def _reading(asked: str, picked: Sequence[tuple[_Known, float]], shop: Shop) -> CatalogReading:
    matched = tuple(_matched(asked, known, score) for known, score in picked)
    entries = [known for known, _ in picked]
    by_sku = {known.sku: known.findings for known in entries}
    return CatalogReading(
        products=tuple(_with_photos(known.product, shop) for known in entries if known.product is not None),
        rejected=tuple(known.refused for known in entries if known.refused is not None),
        findings=(*matched, *(finding for known in entries for finding in known.findings)),
        # About the question, not about the product: its kit is the same however it was asked for.
        loose_findings=matched,
        findings_by_sku=by_sku,
        source=asked,
        row_file=Path(entries[0].where or "."),
    )


def _matched(asked: str, known: _Known, score: float) -> Finding:
    shown = f"{score:.0f} %"
    return Finding(
        code="NAME_MATCHED",
        severity=Severity.INFO,
        subject=known.sku,
        message=f"{asked!r} is taken for {known.sku}, {_title(known)} ({shown} alike); for another one give its SKU"
        " (form: skus, command line: --sku)",
        message_zh=f"“{asked}”识别为 {known.sku}，{_title(known)}（相似度 {shown}）；如有误，请填写 SKU"
        "（表单 skus 栏，命令行 --sku）",
        measured=shown,
        limit=f"{ACCEPT:.0f} %",
    )


# --- where names are looked up ---


def _known(shop: Shop) -> dict[str, _Known]:
    """Products by SKU, those of the catalog before those of kits."""
    known: dict[str, _Known] = {}
    if shop.store is not None:
        known.update((entry.sku, entry) for entry in _of_kits(shop.store))
    if shop.catalog is not None:
        known.update((entry.sku, entry) for entry in _of_catalog(shop.catalog))
    return known


def _of_catalog(path: Path) -> list[_Known]:
    try:
        reading = read_catalog(path, all_refused=True)
    except CatalogError as error:
        said = f"SKUFLOW_CATALOG：{error.message_zh}" if error.message_zh else ""
        raise CatalogError(f"SKUFLOW_CATALOG: {error}", error.findings, message_zh=said) from error
    found = [
        _Known(
            product.sku,
            tuple(product.titles.values()),
            product,
            None,
            reading.findings_by_sku.get(product.sku, ()),
            str(path),
        )
        for product in reading.products
    ]
    refused = [_Known(row.sku, (), None, row, row.findings, str(path)) for row in reading.rejected]
    return [*found, *refused]


def _of_kits(store: ObjectStore) -> list[_Known]:
    found = []
    for key in _kit_keys(store)[:KITS_LIMIT]:
        try:
            product = Product.model_validate(json.loads(store.get(key))["product"])
        except (StorageError, ValidationError, ValueError, KeyError, TypeError, RecursionError):
            # Of another version, or somebody else's file: no product to be found by its name.
            continue
        if product.sku != concept_sku(product.title):
            titles = tuple(product.titles.values())
            found.append(_Known(product.sku, titles, product, where="."))
    return found


def _kit_keys(store: ObjectStore) -> list[str]:
    return [key for key in store.list("kits/") if key.count("/") == 2 and key.endswith("/kit.json")]


def _with_photos(product: Product, shop: Shop) -> Product:
    """The product with photos that can be read: storage keeps those that kits were made of."""
    if shop.store is None or not product.images:
        there = tuple(image for image in product.images if is_link(image) or Path(image).is_file())
        return product.model_copy(update={"images": there})
    return with_photos(product, shop.store, shop.links.with_name(COPIES), links=True)


# --- nothing of that name ---


def _concept(asked: str) -> CatalogReading:
    """A product that exists in words only."""
    titles = {values.language_of(asked): asked}
    product = Product(
        sku=concept_sku(asked),
        titles=titles,
        kind=kind_of(titles, "", {}),
        extras=ExtraWishes(concept=asked),
        source=ProductSource(catalog=asked),
    )
    finding = Finding(
        code="NAME_CONCEPT",
        severity=Severity.WARNING,
        subject=product.sku,
        message=f"no product is called {asked!r}: a concept is made from the words alone, without main image, and must "
        "not be listed as a product; give a catalog row with a photo for a real listing",
        message_zh=f"未找到名为“{asked}”的商品：仅根据文字生成概念图，没有主图，不得作为商品上架；正式上架请提供含图片的表格",
    )
    return CatalogReading(
        products=(product,),
        rejected=(),
        findings=(finding,),
        loose_findings=(),
        findings_by_sku={product.sku: (finding,)},
        source=asked,
        row_file=Path("."),
    )


def concept_sku(name: str) -> str:
    """The SKU of a concept: says that it is one, and is the same for the same words."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:32].strip("-")
    digest = hashlib.sha256(name.casefold().encode()).hexdigest()[:8]
    return "-".join(filter(None, ("concept", readable, digest)))


def _not_found(asked: str, shop: Shop, known: Mapping[str, _Known]) -> str:
    if known:
        searched = f"{len(known)} products are known, none is like it"
    elif shop.catalog is None:
        searched = "no SKUFLOW_CATALOG is set and no kits were made before"
    else:
        searched = "no products are known"
    return (
        f"no product is called {asked!r} ({searched}); put it into a catalog with a photo, give a product link, "
        "or name an image provider that draws from words in SKUFLOW_PROVIDERS"
    )
