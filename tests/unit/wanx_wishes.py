"""What the tests of wanx ask for, with the pictures in storage."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import CreationRequest, ImageRequest, ImageTask, SceneFrame, Slot, VideoRequest
from skuflow.listing.storyboard import make_storyboard
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.cutout_png import to_png
from skuflow.studio.picture import Cutout

KEY = "sk-5e3c9a71b2d84f60canary"


def product() -> Product:
    return Product(
        sku="MUG-1",
        titles={"zh": "陶瓷马克杯", "en": "Ceramic Mug 380 ml"},
        kind="mug",
        attributes={"材质": "陶瓷"},
        source=ProductSource(catalog="test"),
    )


def put_picture(
    store: ObjectStore, key: str, size_px: tuple[int, int], *, alpha: bool = False
) -> StoredObject:
    buffer = io.BytesIO()
    colour = (40, 90, 170, 0) if alpha else (40, 90, 170)
    Image.new("RGBA" if alpha else "RGB", size_px, colour).save(buffer, "PNG")
    return store.put(key, buffer.getvalue(), "image/png")


def put_cutout(store: ObjectStore) -> StoredObject:
    """A blue block that stands for a product."""
    rgba = np.zeros((700, 600, 4), np.uint8)
    rgba[20:680, 20:580] = (40, 90, 170, 255)
    cutout = Cutout(rgba, (100, 50, 700, 750), (800, 800), frozenset(), 1.0)
    return store.put("in/cutout.png", to_png(cutout), "image/png")


def scene(store: ObjectStore) -> ImageRequest:
    return ImageRequest(
        slot=Slot("MUG-1", "image:scene"),
        product=product(),
        photo=put_picture(store, "in/photo.png", (800, 800)),
        cutout=put_cutout(store),
        style="winter",
        sizes_px=((800, 800),),
    )


def creation(store: ObjectStore, task: ImageTask, size_px: tuple[int, int] = (1280, 1280)) -> CreationRequest:
    photo = put_picture(store, "in/photo.png", (800, 800))
    person = put_picture(store, "in/person.png", (700, 900))
    pictures = {ImageTask.MODEL: (photo, person), ImageTask.LINE_ART: (photo,), ImageTask.CONCEPT: ()}
    return CreationRequest(
        slot=Slot("MUG-1", f"image:{task}"),
        product=product(),
        task=task,
        pictures=pictures[task],
        description="on a slate table",
        size_px=size_px,
    )


def video(store: ObjectStore, duration_s: float = 5.0) -> VideoRequest:
    photo = put_picture(store, "in/photo.png", (800, 800))
    frame = put_picture(store, "in/frame.png", (540, 960))
    return VideoRequest(
        slot=Slot("MUG-1", "video"),
        product=product(),
        frames=(SceneFrame(style="winter", picture=frame, provider="offline"),),
        cutout=put_cutout(store),
        photo=photo,
        storyboard=make_storyboard(("winter",), duration_s=duration_s),
        size_px=(1080, 1920),
    )
