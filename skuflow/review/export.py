"""The folder export: a copy of each finished kit that people open, mail and upload.

Storage is the truth. The export is made from it, can be deleted at any time, and never leads back into
storage: files are copied, not linked, so that editing an exported picture leaves the stored one as it was
paid for.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from skuflow.listing.kit import Kit, KitImage, KitVideo, Rendition
from skuflow.review.outfiles import write_whole
from skuflow.review.thumbnails import shrink
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore

KIT_FILE = "kit.json"
THUMBNAIL_PX = 320
POSTER_PX = 640


class ExportError(Exception):
    """A kit cannot be exported; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class _Asset:
    file: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Preview:
    """A small picture that the gallery shows in place of a large one."""

    file: str
    source: _Asset
    long_side_px: int


def export_kit(kit: Kit, store: ObjectStore, out: Path) -> bool:
    """Bring ``out/<slug>/`` up to date with a kit: kit.json, the files it names, and previews for the
    gallery.

    Returns False, having read nothing but kit.json and file sizes, when the folder already holds this
    ``kit_id`` with all its files; else True. kit.json is written last, so a folder with this kit_id is
    complete, and an interrupted export is made good by the next. Files that only the folder's former kit
    named are removed; files that no kit named are left alone.

    Raises ObjectMissingError when storage lacks a file, ExportError when a stored file is not the one the kit
    names or a file name leads out of the kit's folder, OSError when the folder cannot be written.
    """
    slug = sku_slug(kit.sku)
    folder = out / slug
    assets = _assets(kit)
    for asset in assets:
        _inside(folder, asset.file)
    previews = _previews(kit)
    former = _read_former(folder / KIT_FILE)
    same = former.get("kit_id") == kit.kit_id and former.get("status") == kit.status
    if same and _all_there(folder, assets, previews):
        return False
    former_sha256 = dict(_named_files(former))
    for asset in assets:
        if former_sha256.get(asset.file) != asset.sha256 or not _is_there(folder, asset):
            write_whole(_inside(folder, asset.file), _stored_bytes(store, slug, asset))
    for preview in previews:
        write_whole(folder / preview.file, shrink(folder / preview.source.file, preview.long_side_px))
    _remove_former(folder, former, keep={a.file for a in assets} | {p.file for p in previews})
    write_whole(folder / KIT_FILE, kit.model_dump_json(by_alias=True, indent=2).encode())
    return True


def smallest_rendition(image: KitImage) -> Rendition | None:
    """The rendition with the fewest pixels: what a preview is made from."""
    return min(image.renditions, key=lambda r: (r.width * r.height, r.file), default=None)


def poster_rendition(kit: Kit, video: KitVideo) -> Rendition | None:
    """The picture to show before a video plays: the scene whose shape is closest to the video's, else the
    main image.
    """
    shape = video.width / video.height
    candidates = [
        (abs(r.width / r.height - shape), image.role == "main", r.file, r)
        for image in kit.images
        for r in image.renditions
    ]
    return min(candidates, key=lambda c: c[:3])[3] if candidates else None


def thumbnail_file(rendition: Rendition) -> str:
    """Name, relative to kit.json, of the 320 px preview of a rendition."""
    return f"thumb-{_flat_stem(rendition.file)}.webp"


def poster_file(video: KitVideo) -> str:
    """Name, relative to kit.json, of the still shown before a video plays."""
    return f"poster-{_flat_stem(video.file)}.webp"


def _flat_stem(file: str) -> str:
    return PurePosixPath(file).with_suffix("").as_posix().replace("/", "-")


def _assets(kit: Kit) -> list[_Asset]:
    return [_Asset(named.file, named.bytes, named.sha256) for named in kit.files]


def _previews(kit: Kit) -> list[_Preview]:
    previews = []
    for image in kit.images:
        if (small := smallest_rendition(image)) is not None:
            source = _Asset(small.file, small.bytes, small.sha256)
            previews.append(_Preview(thumbnail_file(small), source, THUMBNAIL_PX))
    for video in kit.videos:
        if (still := poster_rendition(kit, video)) is not None:
            source = _Asset(still.file, still.bytes, still.sha256)
            previews.append(_Preview(poster_file(video), source, POSTER_PX))
    return previews


def _read_former(path: Path) -> dict[str, Any]:
    """The kit.json that lies in the folder; empty when there is none or it cannot be read."""
    try:
        former = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return former if isinstance(former, dict) else {}


def _named_files(former: dict[str, Any]) -> list[tuple[str, str]]:
    """(file, sha256) of every asset a kit.json names; a kit.json that somebody bent out of shape names
    none.
    """
    try:
        images, videos = former.get("images", ()), former.get("videos", ())
        files = [r for image in images for r in image["renditions"]]
        files += [
            *videos,
            *(labelled for part in (*images, *videos) for labelled in part.get("labelled", ())),
        ]
        return [(str(f["file"]), str(f["sha256"])) for f in files]
    except (KeyError, TypeError, AttributeError):
        return []


def _is_there(folder: Path, asset: _Asset) -> bool:
    try:
        return _inside(folder, asset.file).stat().st_size == asset.size_bytes
    except FileNotFoundError:
        return False


def _all_there(folder: Path, assets: list[_Asset], previews: list[_Preview]) -> bool:
    return all(_is_there(folder, a) for a in assets) and all((folder / p.file).is_file() for p in previews)


def _inside(folder: Path, file: str) -> Path:
    name = PurePosixPath(file)
    if not name.parts or name.is_absolute() or ".." in name.parts or "\\" in file or file == KIT_FILE:
        raise ExportError(f"{file!r} names no file of its own inside the kit's folder")
    return folder / name


def _stored_bytes(store: ObjectStore, slug: str, asset: _Asset) -> bytes:
    key = f"kits/{slug}/{asset.file}"
    local = store.local_path(key)
    data = local.read_bytes() if local is not None else store.get(key)
    if hashlib.sha256(data).hexdigest() != asset.sha256:
        raise ExportError(
            f"{key}: storage holds {len(data)} bytes that are not the {asset.size_bytes} bytes the kit names "
            f"(sha256 {asset.sha256[:12]}...); make this part again"
        )
    return data


def _remove_former(folder: Path, former: dict[str, Any], keep: set[str]) -> None:
    for file, _ in _named_files(former):
        try:
            _inside(folder, file)
        except ExportError:
            # A kit.json that was edited by hand must not make us delete files elsewhere.
            continue
        stem = _flat_stem(file)
        for name in {file, f"thumb-{stem}.webp", f"poster-{stem}.webp"} - keep:
            (folder / name).unlink(missing_ok=True)
