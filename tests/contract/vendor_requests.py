"""One request for each kind of work, with its inputs in storage."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache

import numpy as np
from PIL import Image

from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import (
    CopyRequest,
    CreationRequest,
    ImageRequest,
    ImageTask,
    JudgeRequest,
    Request,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.storyboard import make_storyboard
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.cutout_png import to_png
from skuflow.studio.picture import Cutout

STYLES = ("kitchen", "pastel", "living_room")
SKU = "MUG-1"


def product() -> Product:
    return Product(
        sku=SKU,
        titles={"zh": "陶瓷马克杯 380ml", "en": "Ceramic Mug 380 ml"},
        kind="mug",
        attributes={"材质": "陶瓷", "容量": "380 ml", "重量": "365 g", "颜色": "蓝色"},
        source=ProductSource(catalog="test"),
    )


def make_requests(store: ObjectStore) -> Mapping[str, Request]:
    """Requests by kind: copy, scene, model, line_art, concept, video, judge_image, judge_copy."""
    cutout = store.put("in/cutout.png", _blue_mug(), "image/png")
    photo = store.put("in/photo.png", picture((1000, 1000)), "image/png")
    about = product()
    frames = tuple(
        SceneFrame(style=style, picture=_stored_scene(store, style), provider="offline") for style in STYLES
    )
    return {
        "copy": CopyRequest(
            slot=Slot(SKU, "copy", language="es", marketplace="aliexpress"),
            product=about,
            language="es",
            marketplace="aliexpress",
        ),
        "scene": ImageRequest(
            slot=Slot(SKU, "image:scene"),
            product=about,
            photo=photo,
            cutout=cutout,
            style=STYLES[0],
            prompt="A sunny kitchen counter.",
            sizes_px=((800, 800),),
            height_cm=9.5,
        ),
        **{task.value: _creation(task, photo) for task in ImageTask},
        "video": VideoRequest(
            slot=Slot(SKU, "video"),
            product=about,
            photo=photo,
            cutout=cutout,
            frames=frames,
            storyboard=make_storyboard(STYLES, duration_s=5.0),
            size_px=(1080, 1080),
            prompt="Steam rises slowly.",
            height_cm=9.5,
        ),
        "judge_image": JudgeRequest(
            slot=Slot(SKU, "judge:image:scene"), product=about, picture=photo, reference=photo
        ),
        "judge_copy": JudgeRequest(
            slot=Slot(SKU, "judge:copy", language="es", marketplace="aliexpress"),
            product=about,
            text=_stored_copy(store),
        ),
    }


def _creation(task: ImageTask, photo: StoredObject) -> CreationRequest:
    return CreationRequest(
        slot=Slot(SKU, f"image:{task}"),
        product=product(),
        task=task,
        pictures=() if task is ImageTask.CONCEPT else (photo,),
        description="in blue",
        prompt="A realistic product photo.",
    )


def _stored_copy(store: ObjectStore) -> StoredObject:
    copy = ListingCopy(
        language="es",
        marketplace="aliexpress",
        title="Taza de cerámica 380 ml",
        bullets=("Capacidad de 380 ml",),
        description="Taza de cerámica.",
        keywords=("taza",),
        facts_ratio=0.5,
        origin="template",
    )
    return store.put("in/copy.json", copy.model_dump_json().encode(), "application/json")


@cache
def _blue_mug() -> bytes:
    rgba = np.zeros((700, 600, 4), np.uint8)
    rgba[20:680, 20:580] = (40, 90, 170, 255)
    return to_png(Cutout(rgba, (100, 50, 700, 750), (800, 800), frozenset(), 1.0))


@cache
def picture(size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (250, 250, 250)).save(buffer, "PNG")
    return buffer.getvalue()


def _stored_scene(store: ObjectStore, style: str) -> StoredObject:
    return store.put(f"in/{style}.png", picture((1080, 1080)), "image/png")
