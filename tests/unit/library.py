"""A small library of kits for tests of what is said of it; files are named in kit.json and not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skuflow.catalog.product import Product, ProductSource
from skuflow.listing.kit import ImageRole, Kit, KitCopy, KitImage, KitStatus, KitVideo, Rendition
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key

JOB = {"provider": "offline", "model": "studio-1", "job_id": "job"}
SCENE_SIZES = ((800, 800), (1200, 630), (1920, 600), (1080, 1920))
MAIN_SIZES = ((1600, 1600), (800, 800))


def rendition(size: tuple[int, int], **changes: Any) -> Rendition:
    width, height = size
    facts: dict[str, Any] = {
        "file": f"{width}x{height}.jpg",
        "width": width,
        "height": height,
        "bytes": 200_000,
        "format": "jpeg",
        "sha256": "0" * 64,
    }
    return Rendition(**{**facts, **changes})


def image(role: str, number: int = 1, sizes: Any = None, **changes: Any) -> KitImage:
    chosen = sizes or (MAIN_SIZES if role == "main" else SCENE_SIZES)
    main = {"product_share_ratio": 0.86, "white_border_ratio": 1.0}
    facts: dict[str, Any] = {
        "id": f"image:{role}:{number}",
        "role": ImageRole(role),
        "content_type": role,
        "style": None,
        "renditions": tuple(rendition(size) for size in chosen),
        "scores": main if role == "main" else {"product_share_ratio": 0.4},
        **JOB,
    }
    return KitImage(**{**facts, **changes})


def video(duration_s: float = 5.0, size: tuple[int, int] = (1080, 1920), **changes: Any) -> KitVideo:
    facts: dict[str, Any] = {
        "id": "video:1",
        "file": "video-1.mp4",
        "width": size[0],
        "height": size[1],
        "duration_s": duration_s,
        "fps": 25.0,
        "codec": "h264",
        "bytes": int(duration_s * 500_000),
        "sha256": "0" * 64,
        "storyboard": (),
        **JOB,
    }
    return KitVideo(**{**facts, **changes})


def text(language: str = "en", marketplace: str = "aliexpress", **changes: Any) -> KitCopy:
    facts: dict[str, Any] = {
        "part": f"copy:{language}",
        "language": language,
        "marketplace": marketplace,
        "title": "Stoneware mug with a wide handle",
        "bullets": ("350 ml", "Safe in the dishwasher", "Glazed inside"),
        "description": "A mug of stoneware. " * 10,
        "keywords": ("mug", "stoneware"),
        "facts_ratio": 1.0,
        "origin": "template",
        **JOB,
    }
    return KitCopy(**{**facts, **changes})


def kit(sku: str = "MUG-1", **changes: Any) -> Kit:
    """A kit that AliExpress takes: main image, three scenes, a video of 5 s, English copy."""
    facts: dict[str, Any] = {
        "sku": sku,
        "kit_id": "1",
        "created_at": "2026-11-20T04:00:00+00:00",
        "status": KitStatus.NEEDS_REVIEW,
        "product": Product(
            sku=sku, titles={"en": "Stoneware mug"}, kind="mug", source=ProductSource(catalog="test")
        ),
        "copy": (text(),),
        "images": (image("main"), *(image("scene", number) for number in (1, 2, 3))),
        "videos": (video(),),
    }
    return Kit(**{**facts, **changes})


def store_of(folder: Path, *kits: Kit) -> FolderStore:
    """Storage below ``folder`` with these kits; written plainly, since nothing here must survive a power cut."""
    for each in kits:
        path = folder / kit_key(each.sku)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each.model_dump_json(by_alias=True), encoding="utf-8")
    return FolderStore(folder)
