"""A page's photos as files: downloaded, told by their bytes, decoded once, each picture kept once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skuflow.catalog.errors import CatalogError
from skuflow.catalog.links.failures import photo_words, shown
from skuflow.catalog.links.link_findings import link_finding
from skuflow.catalog.links.told import Picture
from skuflow.catalog.photos import PhotoError, load_photo
from skuflow.fetching.contents import picture_suffix
from skuflow.fetching.errors import FetchError
from skuflow.fetching.web import Web
from skuflow.listing.findings import Finding, Severity

if TYPE_CHECKING:
    from skuflow.studio.picture import Pixels, SizePx

MAX_PHOTOS = 12
MAX_PHOTO_BYTES = 25 * 2**20
LEAST_SIDE_PX = 120
"""Shorter sides belong to icons, thumbnails and counting pixels."""
_AT_ONCE = 3
_PHOTO_S = 30.0
_ACCEPT = "image/avif;q=0.5,image/webp,image/png,image/jpeg,image/*;q=0.8"
_PRINT_PX = 24
_SAME_WITHIN = 4.0
"""Mean difference of two pictures' small prints, of 255, up to which they are sizes of one picture."""


@dataclass(frozen=True, slots=True)
class SavedPhoto:
    """A photo in its file, with the address that gave it."""

    path: Path
    address: str
    sha256: str
    size: SizePx


@dataclass(frozen=True, slots=True)
class _Refused:
    """Why a photo is left out, in English and Chinese; icons are nothing to worry about."""

    words: str
    words_zh: str
    is_icon: bool = False


@dataclass(frozen=True, slots=True)
class _Arrived:
    photo: SavedPhoto
    print: Pixels


async def save_photos(
    pictures: Sequence[Picture], folder: Path, web: Web
) -> tuple[tuple[SavedPhoto, ...], tuple[Finding, ...]]:
    """The photos of ``pictures`` as files in ``folder``, at most MAX_PHOTOS, in the page's order.

    What is no photo, cannot be fetched or is too small becomes a finding. Of several sizes of one picture the largest
    stays. Raises CatalogError where the folder cannot be written.
    """
    gate, desk = asyncio.Semaphore(_AT_ONCE), asyncio.Lock()

    async def arrive(picture: Picture) -> _Arrived | Finding:
        async with gate:
            return await _arrived(picture, folder, web, desk)

    answers = await asyncio.gather(*(arrive(picture) for picture in pictures))
    findings = [answer for answer in answers if isinstance(answer, Finding)]
    kept = _each_once([answer for answer in answers if isinstance(answer, _Arrived)])
    for arrived in kept[MAX_PHOTOS:]:
        arrived.photo.path.unlink(missing_ok=True)
    if len(kept) > MAX_PHOTOS:
        findings.append(link_finding("LINK_PHOTOS_MORE", "photos", {"count": str(MAX_PHOTOS)}))
    return tuple(arrived.photo for arrived in kept[:MAX_PHOTOS]), tuple(findings)


async def _arrived(picture: Picture, folder: Path, web: Web, desk: asyncio.Lock) -> _Arrived | Finding:
    """The largest size of a picture that can be had, else why the last one could not."""
    refused = _Refused("it has no address", "没有地址")
    for address in picture.addresses:
        try:
            fetched = await web.get(address, max_bytes=MAX_PHOTO_BYTES, accept=_ACCEPT, most_s=_PHOTO_S)
        except FetchError as error:
            refused = _Refused(*photo_words(error))
            continue
        # One after the other: two addresses of one picture have one file, and a decoded photo takes memory.
        async with desk:
            outcome = await asyncio.to_thread(_saved, fetched.body, address, folder)
        if isinstance(outcome, _Arrived):
            return outcome
        refused = outcome
    where = shown(picture.addresses[0]) if picture.addresses else ""
    return link_finding(
        "LINK_PHOTO_REFUSED",
        where,
        {"value": where, "reason": refused.words, "reason_zh": refused.words_zh},
        severity=Severity.INFO if refused.is_icon else None,
    )


def _saved(body: bytes, address: str, folder: Path) -> _Arrived | _Refused:
    suffix = picture_suffix(body)
    if suffix is None:
        return _Refused("it is no picture, whatever its name says", "内容不是图片")
    sha256 = hashlib.sha256(body).hexdigest()
    path = folder / f"{sha256[:12]}{suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(body)
        part.replace(path)
    except OSError as error:
        raise CatalogError(
            f"{folder}: cannot be written; check its path, its rights and the disk",
            message_zh=f"{folder}：无法写入；请检查路径、权限和磁盘",
        ) from error
    try:
        photo = load_photo(path)
    except PhotoError as error:
        path.unlink(missing_ok=True)
        return _Refused(
            error.message.rpartition(";")[0] or error.message,
            error.message_zh.rpartition("；")[0] or error.message_zh,
        )
    if min(photo.size) < LEAST_SIDE_PX:
        path.unlink(missing_ok=True)
        size = f"{photo.size[0]} x {photo.size[1]} px"
        return _Refused(f"it is an icon of {size}", f"是 {size} 的图标", is_icon=True)
    return _Arrived(SavedPhoto(path, address, sha256, photo.size), _small_print(photo.pixels))


def _small_print(pixels: Pixels) -> Pixels:
    import cv2
    import numpy as np

    return np.asarray(
        cv2.resize(pixels, (_PRINT_PX, _PRINT_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )


def _each_once(arrived: Sequence[_Arrived]) -> list[_Arrived]:
    """Every picture once, at its first place, in its largest size; files of the others are removed."""
    kept: list[_Arrived] = []
    for one in arrived:
        at = next((at for at, other in enumerate(kept) if _same_picture(one, other)), None)
        if at is None:
            kept.append(one)
            continue
        worse = one
        if one.photo.size[0] > kept[at].photo.size[0]:
            worse, kept[at] = kept[at], one
        if worse.photo.path != kept[at].photo.path:
            worse.photo.path.unlink(missing_ok=True)
    return kept


def _same_picture(one: _Arrived, other: _Arrived) -> bool:
    import numpy as np

    (width, height), (other_width, other_height) = one.photo.size, other.photo.size
    if abs(width / height - other_width / other_height) > 0.02 * width / height:
        return False
    return float(np.abs(one.print.astype(np.int16) - other.print.astype(np.int16)).mean()) <= _SAME_WITHIN
