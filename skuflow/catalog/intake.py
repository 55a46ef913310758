"""The first step of every run: is there a photo that a listing can be made of? Before anything is paid."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.catalog.extras import NO_EXTRAS, ExtraWishes
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.keys import cutout_key, photo_key
from skuflow.storage.objects import ObjectStore, StoredObject

if TYPE_CHECKING:
    from skuflow.studio.picture import StudioError

CUTTER = 1
"""Raised when the same photo would be cut otherwise; photos that were cut before are then cut again."""

_MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
}


@dataclass(frozen=True, slots=True)
class Intake:
    """What intake found. ``photo`` and ``cutout`` are in storage; None when the brief needs no picture, or blocked.
    ``extras`` are the files of extra wishes in storage, by the wish's field name.
    """

    findings: tuple[Finding, ...] = ()
    photo: StoredObject | None = None
    cutout: StoredObject | None = None
    extras: Mapping[str, StoredObject] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def photo_digest(product: Product, extras: ExtraWishes = NO_EXTRAS) -> str:
    """Hex SHA-256 over the product's photo files in order, and those of its extra wishes."""
    files = (*product.images, *extras.files)
    return hashlib.sha256("".join(_photo_sha256(file) for file in files).encode()).hexdigest()


def likely_extras(extras: ExtraWishes) -> dict[str, StoredObject]:
    """Stand-ins for the files of extra wishes, with the digests that intake would find."""
    named = {"model_photo": extras.model_photo, "line_art": extras.line_art}
    return {
        name: StoredObject("", _photo_sha256(file), 0, "image/jpeg") for name, file in named.items() if file
    }


def likely_photo_sha256(product: Product, store: ObjectStore) -> str:
    """The digest of the photo that intake would use: the first that was cut out before, else the first."""
    digests = [_photo_sha256(image) for image in product.images]
    cut_before = (digest for digest in digests if store.exists(cutout_key(product.sku, digest, CUTTER)))
    return next(cut_before, digests[0] if digests else "")


def _photo_sha256(image: str) -> str:
    try:
        return hashlib.sha256(Path(image).read_bytes()).hexdigest()
    except OSError:
        return "missing"


def take_in_extras(intake: Intake, wishes: ExtraWishes, sku: str, store: ObjectStore) -> Intake:
    """``intake`` with the files of the wishes in storage; one that is no picture blocks the product."""
    from skuflow.catalog.photos import PhotoError, load_photo

    found: dict[str, StoredObject] = {}
    findings: list[Finding] = []
    for name, file in (("model_photo", wishes.model_photo), ("line_art", wishes.line_art)):
        if not file:
            continue
        path = Path(file)
        try:
            photo = load_photo(path)
        except PhotoError as error:
            findings.append(error.finding(path.name))
            continue
        suffix = path.suffix.lower()
        media_type = _MEDIA_TYPES.get(suffix, "application/octet-stream")
        found[name] = _keep(store, photo_key(sku, photo.sha256, suffix), path.read_bytes(), media_type)
    return replace(intake, findings=(*intake.findings, *findings), extras=found)


def take_in(product: Product, store: ObjectStore, *, needs_picture: bool) -> Intake:
    """Look at the product's photos in order and keep the first that can be cut out whole.

    The photo and its cut-out go to storage once; the same photo is not cut again. Blocks with the findings of every
    photo when none will do.
    """
    if not needs_picture:
        return Intake()
    if not product.images:
        return Intake((_finding("PHOTO_MISSING", product.sku, *_NO_PHOTO),))
    refused: list[Finding] = []
    for image in product.images:
        findings, photo, cutout = _take_photo(product, Path(image), store)
        if photo is not None and cutout is not None:
            earlier = tuple(finding.model_copy(update={"severity": Severity.INFO}) for finding in refused)
            return Intake((*earlier, *findings), photo, cutout)
        refused.extend(findings)
    return Intake(tuple(refused))


_NO_PHOTO = (
    "the product has no photo; name at least one in the images column",
    "该商品没有图片；请在图片列中至少填写一张",
)


def _take_photo(
    product: Product, path: Path, store: ObjectStore
) -> tuple[tuple[Finding, ...], StoredObject | None, StoredObject | None]:
    # These bring the pixel libraries along, which reading a catalog does without.
    from skuflow.catalog.photos import PhotoError, load_photo, resolution_finding
    from skuflow.studio.cutout import cut_out
    from skuflow.studio.cutout_png import from_png, to_png
    from skuflow.studio.picture import StudioError
    from skuflow.studio.standing import require_standing

    try:
        photo = load_photo(path)
    except PhotoError as error:
        return (error.finding(path.name),), None, None
    findings: list[Finding] = []
    resolution = resolution_finding(photo.size[0], path.name)
    if resolution is not None:
        findings.append(resolution)
        if resolution.severity is Severity.ERROR:
            return tuple(findings), None, None
    key = cutout_key(product.sku, photo.sha256, CUTTER)
    try:
        if store.exists(key):
            data = store.get(key)
            cutout = from_png(data)
        else:
            cutout = cut_out(photo.pixels)
            if cutout.touches:
                raise StudioError(
                    "PRODUCT_RUNS_OUT_OF_PHOTO",
                    f"the product runs out of the photo ({', '.join(sorted(cutout.touches))}); "
                    "use a photo that shows all of it",
                )
            require_standing(cutout)
            data = to_png(cutout)
    except StudioError as error:
        findings.append(_studio_finding(error, path.name))
        return tuple(findings), None, None
    media_type = _MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    stored_photo = _keep(
        store, photo_key(product.sku, photo.sha256, path.suffix.lower()), path.read_bytes(), media_type
    )
    return tuple(findings), stored_photo, _keep(store, key, data, "image/png")


def _keep(store: ObjectStore, key: str, data: bytes, media_type: str) -> StoredObject:
    if store.exists(key):
        return StoredObject(key, hashlib.sha256(data).hexdigest(), len(data), media_type)
    return store.put(key, data, media_type)


def _finding(code: str, subject: str, message: str, message_zh: str = "") -> Finding:
    return Finding(
        code=code, severity=Severity.ERROR, subject=subject, message=message, message_zh=message_zh
    )


_STUDIO_ZH = {
    "CUTOUT_BACKGROUND": "背景不是纯净的白色或浅灰色，无法干净抠图；请换用白底图",
    "CUTOUT_EMPTY": "图片中找不到商品；请换用能看清商品的白底图",
    "CUTOUT_LEAK": "商品边缘与背景无法区分；请换用边缘清晰的白底图",
    "CUTOUT_LOW_CONFIDENCE": "抠图效果不够可靠；请换用边缘清晰、光线均匀的白底图",
    "PRODUCT_IN_PARTS": "图中有多件分散摆放的物品，无法放入场景；请换用摆放在一起的图片",
    "PRODUCT_RUNS_OUT_OF_PHOTO": "商品超出画面；请换用完整展示商品的图片",
}


def _studio_finding(error: StudioError, subject: str) -> Finding:
    return Finding(
        code=error.code,
        severity=Severity.ERROR,
        subject=subject,
        message=error.message,
        message_zh=_STUDIO_ZH.get(error.code, "该图片无法使用；请换用清晰的白底图"),
        measured=None if error.measured is None else f"{error.measured:.3g}",
        limit=None if error.limit is None else f"{error.limit:.3g}",
    )
