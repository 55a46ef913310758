"""What the offline provider does for an order: copy, pictures, video. Blocking; runs in the pixel pool.

Imported with the first order: it brings the pixel libraries along.
"""

from __future__ import annotations

import io
import json
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from providers.offline.copywriter import CopyError, write_copy
from skuflow.catalog.product import Product
from skuflow.jobs.contract import CopyRequest, ImageRequest, Request, VideoRequest
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.fitting import made_to_fit, product_group
from skuflow.listing.rules import text_limits
from skuflow.listing.styles import style as style_named
from skuflow.storage.objects import ObjectStore
from skuflow.studio.compose import compose_scene
from skuflow.studio.cutout_png import from_png
from skuflow.studio.encoding import as_jpeg
from skuflow.studio.film import assemble
from skuflow.studio.film.placement import as_json
from skuflow.studio.framing import ProductSize
from skuflow.studio.labels.labelling import Labelling
from skuflow.studio.labels.origin import Origin
from skuflow.studio.main_image import place_on_white
from skuflow.studio.picture import BoxPx, Composite, Cutout, Pixels, SizePx, StudioError
from skuflow.studio.scenes import load_scenes

_SCENE_JPEG_QUALITY = 90
_MAIN_JPEG_QUALITY = 94
_MAIN_SIDES_PX = (1300, 1000, 800, 600)
"""What a main image falls back to when the photo has too few pixels for the size asked for."""
_MAIN_FILL_RATIO = 0.86
"""A little over the 85 % that marketplaces ask for, so that soft edges and rounding never fall below them."""


@dataclass(frozen=True, slots=True)
class Made:
    """One finished result: its label, media type and bytes."""

    label: str
    media_type: str
    data: bytes


def do_work(request: Request, store: ObjectStore) -> tuple[Made, ...]:
    """Make what was ordered. Raises InvalidInputError with the reason where it cannot be made well."""
    try:
        match request:
            case CopyRequest():
                return (_write(request),)
            case ImageRequest(style=""):
                return _main(request, store)
            case ImageRequest():
                return _scene(request, store)
            case VideoRequest():
                return _film(request, store)
    except (StudioError, CopyError) as error:
        raise InvalidInputError(error.message, "offline", error.code) from error
    raise InvalidInputError(f"the offline provider cannot do {type(request).__name__}", "offline")


def _write(request: CopyRequest) -> Made:
    copy = write_copy(
        request.product,
        language=request.language,
        marketplace=request.marketplace,
        market=request.market,
        shots=request.shots,
        limits=text_limits(request.marketplace),
    )
    return Made("copy", "application/json", copy.model_dump_json().encode())


def _main(request: ImageRequest, store: ObjectStore) -> tuple[Made, ...]:
    cutout = from_png(store.get(request.cutout.key))
    made: list[Made] = []
    placements: dict[str, dict[str, object]] = {}
    for wanted in request.sizes_px:
        size, picture, box = _largest_on_white(cutout, wanted)
        if _label(size) not in placements:
            jpeg = _jpeg(picture, _MAIN_JPEG_QUALITY, subsampling=0)
            made.append(_picture(size, jpeg, Origin.PHOTO, "main", request.product))
            placements[_label(size)] = {"box_px": list(box)}
    return (*made, _placements(placements))


def _largest_on_white(cutout: Cutout, wanted: SizePx) -> tuple[SizePx, Pixels, BoxPx]:
    """The main image in the wanted size, or in the largest below it that does not blow the photo's pixels up.

    Raises StudioError when even the smallest would.
    """
    sizes = [wanted, *((side, side) for side in _MAIN_SIDES_PX if side < min(wanted))]
    for size in sizes[:-1]:
        try:
            return (size, *place_on_white(cutout, size, _MAIN_FILL_RATIO))
        except StudioError as error:
            if error.code != "MAIN_IMAGE_TOO_SMALL":
                raise
    return (sizes[-1], *place_on_white(cutout, sizes[-1], _MAIN_FILL_RATIO))


def _scene(request: ImageRequest, store: ObjectStore) -> tuple[Made, ...]:
    cutout = from_png(store.get(request.cutout.key))
    made: list[Made] = []
    placements: dict[str, dict[str, object]] = {}
    for size in request.sizes_px:
        composite = _compose(cutout, request.style, size, request.width_cm, request.height_cm)
        label = _label(size)
        jpeg = _jpeg(composite.flatten(), _SCENE_JPEG_QUALITY, subsampling=1)
        made.append(_picture(size, jpeg, Origin.COMPOSITE, "scene", request.product))
        placements[label] = _placement(composite.product_box_px, composite)
        if composite.overlay is not None:
            made.append(Made(f"in-front-{label}", "image/png", _mask_png(composite.overlay)))
    return (*made, _placements(placements))


def _film(request: VideoRequest, store: ObjectStore) -> tuple[Made, ...]:
    cutout = from_png(store.get(request.cutout.key))
    scenes: dict[str, Composite | Pixels] = {
        frame.style: _compose(cutout, frame.style, request.size_px, request.width_cm, request.height_cm)
        for frame in request.frames
    }
    with tempfile.TemporaryDirectory(prefix="skuflow-film-") as folder:
        path = Path(folder) / "video.mp4"
        video = assemble(
            request.storyboard,
            scenes,
            request.size_px,
            path,
            captions_language=request.captions_language or None,
        )
        label = _label(request.size_px)
        return (
            _labelled(label, "video/mp4", path.read_bytes(), Origin.COMPOSITE),
            _placements({label: as_json(video.product_boxes, video.captions)}),
        )


def _compose(
    cutout: Cutout, style: str, size_px: tuple[int, int], width_cm: float | None, height_cm: float | None
) -> Composite:
    scene = load_scenes()[style_named(style).scene]
    return compose_scene(cutout, scene, size_px, product_size=ProductSize(width_cm, height_cm))


def _picture(size: SizePx, jpeg: bytes, origin: Origin, role: str, product: Product) -> Made:
    labelled = _labelled(_label(size), "image/jpeg", jpeg, origin)
    return replace(labelled, data=made_to_fit(labelled.data, role, size, product_group(product)))


def _labelled(label: str, media_type: str, data: bytes, origin: Origin) -> Made:
    return Made(label, media_type, Labelling().labelled(data, media_type, origin))


def _mask_png(overlay: Pixels) -> bytes:
    """Where something stands in front of the product, as the alpha of an empty picture, for whoever measures it."""
    mask = np.zeros_like(overlay)
    mask[..., 3] = overlay[..., 3]
    buffer = io.BytesIO()
    Image.fromarray(mask, "RGBA").save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _placements(by_label: dict[str, dict[str, object]]) -> Made:
    """Where the product stands in each picture or video, for whoever measures it."""
    return Made("placement", "application/json", json.dumps(by_label).encode())


def _placement(box: BoxPx, composite: Composite) -> dict[str, object]:
    return {
        "box_px": list(box),
        "scene": composite.scene_id,
        "enlargement_ratio": composite.enlargement_ratio,
    }


def _label(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _jpeg(picture: Pixels, quality: int, subsampling: int) -> bytes:
    return as_jpeg(Image.fromarray(picture, "RGB"), quality, subsampling)
