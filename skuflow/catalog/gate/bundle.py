"""The diagnostic bundle of a SKU that is blocked again and again: all that somebody needs who is asked for help.

One zip of readable files. The same product, findings and attempts give the same bytes. It holds no secret: keys and
passwords of the configuration are taken out of every text, and so are the queries of signed addresses.
"""

from __future__ import annotations

import io
import json
import platform
import re
import sys
import textwrap
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from skuflow.catalog.columns import header_score
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.gate.attempts import Attempts, record_attempt
from skuflow.catalog.gate.judging import GateRules
from skuflow.catalog.json_rows import looks_like_json
from skuflow.catalog.product import Product
from skuflow.catalog.readers import row_file_of, table_of_file
from skuflow.catalog.tables import Row, read_rows
from skuflow.ledger.redaction import MAX_MESSAGE_CHARS, redacted, secrets_of, without_secrets
from skuflow.listing.findings import Finding
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore

_PACKAGES = (
    "skuflow",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pydantic",
    "rapidfuzz",
    "symspellpy",
    "rapidocr",
)
_THUMBNAIL_PX = 256
_PHOTOS_LIMIT = 8
_ROW_FILE_LIMIT_BYTES = 20 * 2**20
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip can say; the time of packing would make equal bundles differ."""


@dataclass(frozen=True, slots=True)
class BundleWishes:
    """Where bundles go (created where it does not exist), and the settings whose values they may name."""

    folder: Path
    settings: BaseModel | None = None


def note_attempt(
    store: ObjectStore,
    product: Product,
    findings: Sequence[Finding],
    *,
    rules: GateRules,
    wishes: BundleWishes,
    now: datetime,
    records: Mapping[str, BaseModel] | None = None,
) -> tuple[Finding, ...]:
    """Count the attempt of a run; DIAGNOSTIC_BUNDLE with the path of the bundle where the SKU was blocked too often.

    ``findings`` are all that intake found, ``records`` what it measured of photos, by file name; ``now`` has a time
    zone. Raises StorageError. A bundle that cannot be written is no reason to stop a run: there is no finding then.
    """
    attempts = record_attempt(store, product.sku, findings, now=now)
    path = wishes.folder / f"{sku_slug(product.sku)}.zip"
    finding = _first_told(rules, attempts.blocked_in_a_row, product.sku, path)
    if finding is None:
        return ()
    try:
        write_bundle(path, product, findings, attempts, settings=wishes.settings, records=records)
    except OSError:
        return ()
    return (finding,)


def _first_told(rules: GateRules, blocked_in_a_row: int, sku: str, path: Path) -> Finding | None:
    """The finding of the first count at which there is one: a kit in which nothing else changes stays the same. The
    bundle is named within SKUFLOW_HOME: kits are handed on, and where that lies is nobody's business.
    """
    told = (
        rules.judge("DIAGNOSTIC_BUNDLE", count, sku, file=f"{path.parent.name}/{path.name}")
        for count in range(1, blocked_in_a_row + 1)
    )
    return next((finding for finding in told if finding is not None), None)


def write_bundle(
    path: Path,
    product: Product,
    findings: Sequence[Finding],
    attempts: Attempts,
    *,
    settings: BaseModel | None = None,
    records: Mapping[str, BaseModel] | None = None,
) -> None:
    """Write the bundle of ``product`` to ``path``, in the place of an earlier one. Raises OSError."""
    secrets = secrets_of(settings) if settings is not None else ()
    photos = tuple(
        _photo(Path(image), number) for number, image in enumerate(_first(product.images), start=1)
    )
    texts = {
        "findings.txt": _report(product, findings, attempts),
        "findings.json": _json([finding.model_dump(mode="json") for finding in findings]),
        "product.json": _json(_product(product)),
        "row.json": _json(_row(product)),
        "photos.json": _json([_with_record(photo, records or {}) for photo in photos]),
        "versions.json": _json(_versions()),
        "settings.json": _json(_settings(settings)),
    }
    members = {name: without_secrets(text, secrets).encode() for name, text in texts.items()}
    members.update((photo.name, photo.thumbnail) for photo in photos if photo.thumbnail)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(_packed(members))
    unfinished.replace(path)


def _packed(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, members[name])
    return packed.getvalue()


def _report(product: Product, findings: Sequence[Finding], attempts: Attempts) -> str:
    lines = [
        f"SKU {product.sku}: {_clean(product.title)}",
        f"Blocked {attempts.blocked_in_a_row} times in a row / 连续 {attempts.blocked_in_a_row} 次被拦截",
        "",
    ]
    lines += [f"  {attempt.at.isoformat()}  {', '.join(attempt.codes)}" for attempt in attempts.latest]
    ordered = sorted(findings, key=lambda finding: _RANKS.index(finding.severity.value))
    for finding in ordered:
        lines += ["", f"{finding.code} ({finding.severity.value}), {_clean(finding.subject)}"]
        if finding.measured is not None:
            lines.append(f"  measured / 实测: {finding.measured}; limit / 限值: {finding.limit or '-'}")
        lines += [f"  {_clean(text)}" for text in (finding.message, finding.message_zh) if text]
    lines += ["", "What each code means / 各代码说明: docs/intake-codes.md", ""]
    return "\n".join(lines)


_RANKS = ("error", "warning", "info")


def _product(product: Product) -> Any:
    """The product as understood; photos by their names, since folders of a machine help nobody."""
    shown = product.model_dump(mode="json")
    shown["images"] = [_name_only(image) for image in product.images]
    shown["source"]["catalog"] = _name_only(product.source.catalog)
    return _cleaned(shown)


def _row(product: Product) -> Any:
    """The catalog's own row, by header; None where the catalog is no row file, or has changed since."""
    if product.source.row is None:
        return None
    try:
        path = row_file_of(Path(product.source.catalog))
        if path.stat().st_size > _ROW_FILE_LIMIT_BYTES:
            return None
        names, first, rows = _rows(path)
    except (CatalogError, OSError, ValueError):
        return None
    number = first + product.source.row
    row = next((row for row in rows if row.number == number), None)
    return (
        None
        if row is None
        else _cleaned({name: row.cells[index] for index, name in names.items() if index < len(row.cells)})
    )


def _rows(path: Path) -> tuple[dict[int, str], int, Sequence[Row]]:
    """What stands at the head of each column, the header's own number, and the rows."""
    content = path.read_bytes()
    if looks_like_json(content):
        table = table_of_file(path)
        columns = [column for found in table.columns.by_field.values() for column in found]
        names = {column.index: column.header for column in columns}
        return names, table.header_row, table.rows
    header, *rows = read_rows(path, content, header_score)
    return dict(enumerate(header.cells)), header.number, rows


@dataclass(frozen=True, slots=True)
class _BundledPhoto:
    name: str
    measures: dict[str, object]
    thumbnail: bytes


def _photo(path: Path, number: int) -> _BundledPhoto:
    from PIL import Image

    from skuflow.catalog.photos import PhotoError, load_photo

    name = f"photo-{number}.jpg"
    measures: dict[str, object] = {"file": _clean(path.name), "thumbnail": name}
    try:
        measures["bytes"] = path.stat().st_size
        photo = load_photo(path)
    except (PhotoError, OSError, ValueError) as error:
        code = error.code if isinstance(error, PhotoError) else "PHOTO_MISSING"
        return _BundledPhoto(name, {**measures, "thumbnail": None, "refused": code}, b"")
    pixels = photo.pixels
    measures |= {
        "width_px": photo.size[0],
        "height_px": photo.size[1],
        "sha256": photo.sha256,
        "mean_brightness": round(float(pixels.mean()), 2),
        "white_share": round(float((pixels.min(axis=2) > _WHITE).mean()), 4),
    }
    image = Image.fromarray(pixels)
    image.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=80)
    return _BundledPhoto(name, measures, packed.getvalue())


def _with_record(photo: _BundledPhoto, records: Mapping[str, BaseModel]) -> dict[str, object]:
    record = records.get(str(photo.measures["file"]))
    return (
        photo.measures
        if record is None
        else {**photo.measures, "record": _cleaned(record.model_dump(mode="json"))}
    )


_WHITE = 240


def _first(images: Sequence[str]) -> Iterable[str]:
    return images[:_PHOTOS_LIMIT]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _settings(settings: BaseModel | None) -> dict[str, str]:
    """Every setting: of secrets and addresses of databases only whether they are set."""
    shown: dict[str, str] = {}
    for name in type(settings).model_fields if settings is not None else ():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            shown[name] = "set" if value.get_secret_value() else ""
        elif name.endswith("database_url"):
            shown[name] = str(value).partition("://")[0]
        else:
            shown[name] = _name_only(value) if isinstance(value, Path) else _clean(str(value))
    return shown


def _name_only(file: str | Path) -> str:
    """The last part of a path; an address without its query."""
    text = str(file)
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        return _clean(text)
    return _clean(Path(text).name)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {_clean(str(name)): _cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(inner) for inner in value]
    return value


def _clean(text: str) -> str:
    """A text of any length without keys, tokens and the queries of addresses."""
    if len(text) <= MAX_MESSAGE_CHARS:
        return redacted(text)
    pieces = textwrap.wrap(text, MAX_MESSAGE_CHARS - 20, break_long_words=False, break_on_hyphens=False)
    return " ".join(redacted(piece) for piece in pieces)


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2)
