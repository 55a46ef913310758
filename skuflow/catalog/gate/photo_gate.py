"""The intake gate on photos: from what was found out about a photo to findings, by rules that are data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from skuflow.catalog.gate.judging import GateRules
from skuflow.catalog.gate.marks_gate import mark_findings
from skuflow.catalog.photo_records import PhotoRecord
from skuflow.listing.findings import Finding
from skuflow.quality.photo.files import SRGB, FileFacts
from skuflow.quality.photo.prints import PhotoMeasures, Print

if TYPE_CHECKING:
    from skuflow.quality.photo.likeness import Alike

_NAMED = 3
"""Others are named up to this many; the rest is counted."""


def check_photo(record: PhotoRecord, file_name: str, rules: GateRules, *, text: str) -> tuple[Finding, ...]:
    """Everything that ``rules`` say about the photo, worst cause first. ``text``: "on" or "off", whose marks count."""
    marks = record.marks.get(text)
    found = (
        *_size_findings(record, file_name, rules),
        *(() if record.measured is None else _picture_findings(record.measured, file_name, rules)),
        *_file_findings(record.facts, file_name, rules),
        *(() if marks is None else mark_findings(marks, file_name, rules)),
    )
    return tuple(finding for finding in found if finding is not None)


def _size_findings(record: PhotoRecord, name: str, rules: GateRules) -> Iterator[Finding | None]:
    width, height = record.size_px
    true_width = width if record.measured is None else min(width, record.measured.true_width_px)
    yield rules.judge("ERR_VS_402", true_width, name)
    yield rules.judge("PHOTO_SHORT_SIDE", min(width, height), name)
    yield rules.judge("PHOTO_SHAPE", max(width, height) / max(1, min(width, height)), name)


def _picture_findings(measured: PhotoMeasures, name: str, rules: GateRules) -> Iterator[Finding | None]:
    if measured.focus is not None:
        yield rules.judge("PHOTO_BLURRED", measured.focus, name)
    yield rules.judge("PHOTO_BLOCKY", measured.blockiness, name)
    yield rules.judge("PHOTO_DARK", measured.light_level, name)
    if measured.burnt is not None:
        yield rules.judge("PHOTO_BURNT_OUT", measured.burnt, name)
    busy = rules.judge("PHOTO_BACKGROUND_BUSY", measured.busy_border, name)
    yield busy or rules.judge("PHOTO_BACKGROUND_NOT_WHITE", measured.white_border, name)
    if measured.frame_fill is not None:
        yield rules.judge("PHOTO_PRODUCT_SMALL", measured.frame_fill, name)


def _file_findings(facts: FileFacts, name: str, rules: GateRules) -> Iterator[Finding | None]:
    suffix = PurePath(name).suffix or "-"
    if facts.jpeg_quality is not None:
        yield rules.judge("PHOTO_LOW_QUALITY_JPEG", facts.jpeg_quality, name)
    yield rules.judge(
        "PHOTO_MISLABELLED", float(not facts.suffix_fits), name, format=facts.format, suffix=suffix
    )
    yield rules.judge("PHOTO_ANIMATED", float(facts.animated), name)
    yield rules.judge("PHOTO_ROTATED", facts.orientation, name)
    yield rules.judge("PHOTO_TRANSPARENT", float(facts.transparent), name)
    cmyk = facts.mode == "CMYK"
    yield rules.judge("PHOTO_CMYK", float(cmyk), name)
    other = facts.profile != SRGB and not cmyk
    yield rules.judge("PHOTO_COLOUR_PROFILE", float(other), name, profile=facts.profile)
    yield rules.judge("PHOTO_PROFILE_BROKEN", float(facts.profile_broken), name)
    yield rules.judge("PHOTO_PROFILE_MISSING", float(facts.gamut_unnamed), name)


def shared_files(photos: Mapping[str, Mapping[str, str]], rules: GateRules) -> dict[str, tuple[Finding, ...]]:
    """PHOTO_DUPLICATE by SKU. ``photos``: the digests of each SKU's photo files, by path; a file that cannot be
    read has the digest "missing"."""
    users: dict[str, dict[str, None]] = defaultdict(dict)
    for sku, files in photos.items():
        for digest in files.values():
            users[digest][sku] = None
    findings: dict[str, tuple[Finding, ...]] = {}
    for sku, files in photos.items():
        found = []
        for file, digest in files.items():
            others = [other for other in users[digest] if other != sku] if digest != "missing" else []
            found.append(
                rules.judge("PHOTO_DUPLICATE", len(others), PurePath(file).name, others=_named(others))
            )
        said = tuple(finding for finding in found if finding is not None)
        if said:
            findings[sku] = said
    return findings


def shared_pictures(
    photos: Mapping[str, tuple[str, str, Print]], rules: GateRules
) -> dict[str, tuple[Finding, ...]]:
    """PHOTO_NEAR_DUPLICATE and PHOTO_COLOUR_VARIANT by SKU. ``photos``: of each SKU the name, digest and print of the
    photo that is used. The same file twice is not reported here, see ``shared_files``.
    """
    # Brings the pixel libraries along, which starting up does without.
    from skuflow.quality.photo.likeness import alike

    near: dict[tuple[str, bool], list[Alike]] = defaultdict(list)
    for pair in alike({sku: seen for sku, (_, _, seen) in photos.items()}):
        if photos[pair.a][1] != photos[pair.b][1]:
            near[pair.a, pair.recoloured].append(pair)
            near[pair.b, pair.recoloured].append(pair)
    findings: dict[str, tuple[Finding, ...]] = {}
    for (sku, recoloured), pairs in near.items():
        code = "PHOTO_COLOUR_VARIANT" if recoloured else "PHOTO_NEAR_DUPLICATE"
        closest = min(pairs, key=lambda pair: pair.distance_bits)
        within = [
            pair for pair in pairs if rules.judge(code, pair.distance_bits, "", **_NO_WORDS) is not None
        ]
        others = [pair.b if pair.a == sku else pair.a for pair in within]
        words = {
            "others": _named(others),
            "mirrored": ", mirrored" if closest.mirrored else "",
            "mirrored_zh": "（镜像）" if closest.mirrored else "",
        }
        finding = rules.judge(code, closest.distance_bits, photos[sku][0], **words)
        if finding is not None:
            findings[sku] = (*findings.get(sku, ()), finding)
    return findings


_NO_WORDS = {"others": "", "mirrored": "", "mirrored_zh": ""}


def _named(skus: Sequence[str]) -> str:
    more = len(skus) - _NAMED
    return ", ".join(skus[:_NAMED]) + (f" (+{more})" if more > 0 else "")
