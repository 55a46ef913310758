"""The first step of every run: is there a photo that a listing can be made of? Before anything is paid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.catalog.extras import NO_EXTRAS, ExtraWishes
from skuflow.catalog.gate.judging import GateRules, packaged_rules
from skuflow.catalog.photo_records import (
    RECORDS,
    PhotoRecord,
    Refusal,
    keep_record,
    read_record,
)
from skuflow.catalog.product import Product
from skuflow.listing.findings import Finding, Severity
from skuflow.storage.keys import cutout_key, photo_key, used_photo_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StoredObject

if TYPE_CHECKING:
    from skuflow.quality.photo.detail import Mask
    from skuflow.studio.picture import Cutout, Pixels

CUTTER = 1
"""Raised when the same photo would be cut otherwise; photos that were cut before are then cut again."""

UNREADABLE = "missing"
_FORMATS = {
    "JPEG": (".jpg", "image/jpeg"),
    "PNG": (".png", "image/png"),
    "WEBP": (".webp", "image/webp"),
    "GIF": (".gif", "image/gif"),
    "BMP": (".bmp", "image/bmp"),
    "TIFF": (".tif", "image/tiff"),
    "AVIF": (".avif", "image/avif"),
    "HEIF": (".heic", "image/heic"),
}
_LEAST_CUT_PX = 64


@dataclass(frozen=True, slots=True)
class Gate:
    """How photos are judged: by which rules, and whether text is sought in them, which takes a second and more."""

    rules: GateRules = field(default_factory=packaged_rules)
    detect_text: bool = False

    @property
    def text(self) -> str:
        """Under what name a photo's record keeps what was found."""
        return "on" if self.detect_text else "off"


@dataclass(frozen=True, slots=True)
class Intake:
    """What intake found. ``photo`` and ``cutout`` are in storage; None when the brief needs no picture, or blocked.
    ``extras`` are the files of extra wishes in storage, by the wish's field name. ``records``: what is known of the
    photos that were looked at, by file name, the used one last.
    """

    findings: tuple[Finding, ...] = ()
    photo: StoredObject | None = None
    cutout: StoredObject | None = None
    extras: Mapping[str, StoredObject] = field(default_factory=dict)
    records: Mapping[str, PhotoRecord] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def with_findings(self, earlier: Sequence[Finding]) -> Intake:
        """The same with what was found before."""
        return replace(self, findings=(*earlier, *self.findings))


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
    from skuflow.catalog.photos import PhotoError, read_photo

    try:
        return hashlib.sha256(read_photo(Path(image))).hexdigest()
    except PhotoError:
        return UNREADABLE


def file_digests(product: Product) -> dict[str, str]:
    """The hex SHA-256 of the product's photo files by path; UNREADABLE for one that cannot be read."""
    return {image: _photo_sha256(image) for image in product.images}


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
        suffix, media_type = _FORMATS[photo.facts.format]
        suffix = path.suffix.lower() if path.suffix and photo.facts.suffix_fits else suffix
        found[name] = _keep(store, photo_key(sku, photo.sha256, suffix), path.read_bytes(), media_type)
    return replace(intake, findings=(*intake.findings, *findings), extras=found)


def take_in(product: Product, store: ObjectStore, *, needs_picture: bool, gate: Gate | None = None) -> Intake:
    """Look at the product's photos in order and keep the first without an error.

    ``gate``: the packaged rules, without text detection, where None. The photo and its cut-out go to storage once; the
    same photo is neither cut nor measured again. Blocks with the findings of every photo when none will do.
    """
    if not needs_picture:
        return Intake()
    if not product.images:
        return Intake((_finding("PHOTO_MISSING", product.sku, *_NO_PHOTO),))
    gate = gate or Gate()
    refused: list[Finding] = []
    records: dict[str, PhotoRecord] = {}
    for image in product.images:
        taken = _take_photo(product, Path(image), store, gate)
        if taken.record is not None:
            records[Path(image).name] = taken.record
        if taken.photo is not None and taken.cutout is not None:
            _remember(store, product.sku, taken.photo)
            # Why an earlier photo is not used; what else could be said of it matters to nobody now.
            earlier = tuple(passed_over(finding) for finding in refused if finding.severity is Severity.ERROR)
            return Intake((*earlier, *taken.findings), taken.photo, taken.cutout, records=records)
        refused.extend(taken.findings)
    return Intake(tuple(refused), records=records)


def passed_over(finding: Finding) -> Finding:
    """Why a photo is not used, where another one is: nothing has to be done about it."""
    return finding.model_copy(
        update={
            "severity": Severity.INFO,
            "message": f"this photo is passed over for another one of the product: {finding.message}",
            "message_zh": f"该商品另有可用图片，此图未使用：{finding.message_zh}",
        }
    )


_NO_PHOTO = (
    "the product has no photo; name at least one in the images column",
    "该商品没有图片；请在图片列中至少填写一张",
)


@dataclass(frozen=True, slots=True)
class _Taken:
    findings: tuple[Finding, ...]
    record: PhotoRecord | None = None
    photo: StoredObject | None = None
    cutout: StoredObject | None = None


def _take_photo(product: Product, path: Path, store: ObjectStore, gate: Gate) -> _Taken:
    # Brings the pixel libraries along, which reading a catalog does without.
    from skuflow.catalog.gate.photo_gate import check_photo
    from skuflow.catalog.photos import PhotoError, read_photo
    from skuflow.quality.photo.files import suffix_fits

    try:
        content = read_photo(path)
        record, png = _look_at(product.sku, path, content, store, gate)
    except PhotoError as error:
        return _Taken((error.finding(path.name),))
    # The same bytes may have had another name when they were looked at.
    facts = replace(record.facts, suffix_fits=suffix_fits(record.facts.format, path.suffix))
    record = record.model_copy(update={"facts": facts})
    findings = check_photo(record, path.name, gate.rules, text=gate.text)
    if record.refusal is not None:
        findings = (*findings, _studio_finding(record.refusal, path.name))
    if png is None or any(finding.severity is Severity.ERROR for finding in findings):
        return _Taken(findings, record)
    suffix, media_type = _FORMATS[record.facts.format]
    if record.facts.suffix_fits and path.suffix:
        suffix = path.suffix.lower()
    stored = _keep(store, photo_key(product.sku, record.sha256, suffix), content, media_type)
    key = cutout_key(product.sku, record.sha256, CUTTER)
    return _Taken(findings, record, stored, _keep(store, key, png, "image/png"))


def _look_at(
    sku: str, path: Path, content: bytes, store: ObjectStore, gate: Gate
) -> tuple[PhotoRecord, bytes | None]:
    """What there is to know about the photo, and its cut-out as PNG where it can be cut out. Raises PhotoError."""
    from skuflow.catalog.photos import decode_photo
    from skuflow.quality.marks.find import find_marks
    from skuflow.quality.photo.measures import measure_photo

    sha256 = hashlib.sha256(content).hexdigest()
    generation = _generation(RECORDS)
    record = read_record(store, sha256, generation)
    known = record is not None and gate.text in record.marks
    if record is not None and known:
        png = None if record.refusal else _cut_before(store, cutout_key(sku, sha256, CUTTER))
        if record.refusal is not None or png is not None:
            return record, png
    photo = decode_photo(path, content)
    if min(photo.pixels.shape[:2]) < _LEAST_CUT_PX:
        nothing = Refusal(
            code="CUTOUT_EMPTY", message="the photo is too small to show a product; use a larger one"
        )
        tiny = PhotoRecord(sha256=sha256, size_px=photo.size, facts=photo.facts, refusal=nothing)
        return tiny, None
    refusal = None if record is None else record.refusal
    cutout, png = None, None
    if refusal is None:
        cutout, png, refusal = _cut(photo.pixels, store, cutout_key(sku, sha256, CUTTER))
    mask = None if cutout is None else product_mask(cutout, photo.pixels.shape[:2])
    if record is None or record.measured is None:
        measured = measure_photo(photo.pixels, photo.size, mask)
        record = PhotoRecord(
            sha256=sha256, size_px=photo.size, facts=photo.facts, measured=measured, refusal=refusal
        )
    if not known:
        marks = find_marks(photo.pixels, mask, detect_text=gate.detect_text)
        record = record.model_copy(update={"marks": {**record.marks, gate.text: marks}})
    # It was cut out before and cannot be any more: without its cut-out the product must not go on.
    record = record.model_copy(update={"refusal": refusal})
    keep_record(store, record, generation)
    return record, png


def known_record(store: ObjectStore, sha256: str) -> PhotoRecord | None:
    """What was kept of a photo when it was measured as it would be today; its marks may have been found otherwise.

    None where nothing was. For what is said of many photos together, which must cost next to nothing.
    """
    records = (read_record(store, sha256, _generation(number)) for number in range(RECORDS, 0, -1))
    return next((record for record in records if record is not None), None)


def _generation(records: int) -> str:
    from skuflow.quality.photo.measures import MEASURES

    return f"{MEASURES}.{CUTTER}.{records}"


def _cut_before(store: ObjectStore, key: str) -> bytes | None:
    """The stored cut-out; None where there is none, or one that is damaged and has to be made again."""
    from skuflow.studio.cutout_png import from_png
    from skuflow.studio.picture import StudioError

    if not store.exists(key):
        return None
    png = store.get(key)
    try:
        from_png(png)
    except (StudioError, OSError, ValueError, KeyError):
        # A damaged file is no reason to block a good photo.
        store.delete(key)
        return None
    return png


def _cut(pixels: Pixels, store: ObjectStore, key: str) -> tuple[Cutout | None, bytes | None, Refusal | None]:
    """The cut-out with its PNG, or why there is none. One that is in storage is taken from there if it can be read."""
    from skuflow.studio.cutout import cut_out
    from skuflow.studio.cutout_png import from_png, to_png
    from skuflow.studio.picture import StudioError
    from skuflow.studio.standing import require_standing

    before = _cut_before(store, key)
    if before is not None:
        return from_png(before), before, None
    try:
        cutout = cut_out(pixels)
        if cutout.touches:
            raise StudioError(
                "PRODUCT_RUNS_OUT_OF_PHOTO",
                f"the product runs out of the photo ({', '.join(sorted(cutout.touches))}); "
                "use a photo that shows all of it",
            )
        require_standing(cutout)
    except StudioError as error:
        refusal = Refusal(code=error.code, message=error.message, measured=error.measured, limit=error.limit)
        return None, None, refusal
    return cutout, to_png(cutout), None


def product_mask(cutout: Cutout, shape: tuple[int, ...]) -> Mask:
    """Where the product is in its photo, by pixel; ``shape``: (height, width) of the photo."""
    import cv2
    import numpy as np

    width, height = cutout.photo_size_px
    alpha = np.zeros((height, width), np.uint8)
    left, top, right, bottom = cutout.box_px
    alpha[top:bottom, left:right] = cutout.rgba[..., 3]
    if alpha.shape != tuple(shape):
        alpha = np.asarray(cv2.resize(alpha, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(alpha > 127)


def _keep(store: ObjectStore, key: str, data: bytes, media_type: str) -> StoredObject:
    if store.exists(key):
        return StoredObject(key, hashlib.sha256(data).hexdigest(), len(data), media_type)
    return store.put(key, data, media_type)


def _remember(store: ObjectStore, sku: str, photo: StoredObject) -> None:
    """Note which photo is used: storage keeps those that were used before it was replaced as well."""
    if photo_used_last(store, sku) != photo.key:
        store.put(used_photo_key(sku), json.dumps({"photo": photo.key}).encode(), "application/json")


def photo_used_last(store: ObjectStore, sku: str) -> str | None:
    """The storage key of the photo that intake has used last for the SKU; None where that is not known."""
    try:
        key = json.loads(store.get(used_photo_key(sku)))["photo"]
    except (ObjectMissingError, ValueError, KeyError, TypeError):
        return None
    return key if isinstance(key, str) and store.exists(key) else None


def kept_cutout(product: Product, store: ObjectStore) -> Cutout | None:
    """The cut-out that an earlier run has made of the photo that intake would use; None where there is none."""
    from skuflow.studio.cutout_png import from_png

    png = _cut_before(store, cutout_key(product.sku, likely_photo_sha256(product, store), CUTTER))
    return None if png is None else from_png(png)


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
_STUDIO_CAUSES_ZH = {
    "most of the photo's border is something else": "背景不纯净：图片边缘大部分不是背景；请换用纯净浅色背景的图片",
    "there is more in it than the product": "背景不纯净：除商品外还有其他物品；请换用纯净浅色背景的图片",
    "scattered over many parts": "识别出的内容分散成许多块；请换用纯净浅色背景上的单件商品图",
    "outline fades into the background": "商品轮廓与背景融在一起（带有倒影或阴影）；请换用没有倒影的图片",
    "outline hardly differs from the background": "商品大部分轮廓与背景颜色接近；请换用与商品颜色不同的背景",
    "look like the background behind it": "商品大面积与背景相似（透明或反光商品）；请换用颜色明显不同的纯色背景，"
    "并在两侧放深色卡纸重拍；整体通透的商品无法自动抠图",
}
"""By words of the English message, where one code has several causes, so that both languages say the same."""
_SIDES_ZH = {"left": "左侧", "top": "上方", "right": "右侧", "bottom": "下方"}


def _studio_zh(error: Refusal) -> str:
    if error.code == "PRODUCT_RUNS_OUT_OF_PHOTO":
        sides = "、".join(zh for side, zh in _SIDES_ZH.items() if side in error.message)
        return f"商品超出画面{f'（{sides}）' if sides else ''}；请换用完整展示商品的图片"
    causes = (zh for words, zh in _STUDIO_CAUSES_ZH.items() if words in error.message)
    return next(causes, _STUDIO_ZH.get(error.code, "该图片无法使用；请换用清晰的白底图"))


def _studio_finding(error: Refusal, subject: str) -> Finding:
    return Finding(
        code=error.code,
        severity=Severity.ERROR,
        subject=subject,
        message=error.message,
        message_zh=_studio_zh(error),
        measured=None if error.measured is None else f"{error.measured:.3g}",
        limit=None if error.limit is None else f"{error.limit:.3g}",
    )
