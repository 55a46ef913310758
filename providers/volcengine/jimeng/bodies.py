"""Requests as Jimeng takes them: which model, at which price, with which JSON body."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

from providers.volcengine.jimeng.errors import PROVIDER
from providers.volcengine.jimeng.models import (
    IMAGE_INPUT,
    IMAGE_MODEL,
    IMAGE_MODELS,
    PROMPT_CHARS,
    TEXT_TO_VIDEO_MODEL,
    VIDEO_FRAMES,
    VIDEO_INPUT,
    VIDEO_MODEL,
    VIDEO_MODELS,
    ImageModel,
)
from providers.volcengine.pictures import (
    SCENE_SIZE_PX,
    made_size_px,
    nearest_ratio,
    product_on_white,
    require_pictures,
    seed_of,
)
from providers.volcengine.prompts import picture_prompt
from providers.wire.inputs import jpeg_of, public_url, raw_base64
from providers.wire.video_prompts import video_prompt
from skuflow.jobs.contract import (
    CreationRequest,
    ImageRequest,
    MicroCNY,
    Request,
    VideoRequest,
)
from skuflow.jobs.errors import InvalidInputError, TransientError
from skuflow.storage.objects import ObjectStore, StorageError, StoredObject

_LINK_LIVES_S = 24 * 3600


def model_for(request: Request) -> str:
    """The ``req_key``: the request's own, or the default for its kind."""
    if request.model:
        return request.model
    if isinstance(request, VideoRequest):
        return VIDEO_MODEL if request.frames else TEXT_TO_VIDEO_MODEL
    return IMAGE_MODEL


def estimate(request: Request) -> MicroCNY:
    """The list price. Raises InvalidInputError for what Jimeng cannot do."""
    model = model_for(request)
    if isinstance(request, VideoRequest):
        _require_known(model, VIDEO_MODELS)
        if not request.frames and not VIDEO_MODELS[model].from_text:
            raise InvalidInputError(
                f"{model} needs a first frame; {TEXT_TO_VIDEO_MODEL} does without", PROVIDER
            )
        return VIDEO_MODELS[model].price.micro(_length_s(request))
    if isinstance(request, ImageRequest | CreationRequest):
        _require_known(model, IMAGE_MODELS)
        _require_makeable(request)
        return IMAGE_MODELS[model].price.micro()
    raise InvalidInputError(f"jimeng makes pictures and videos, no {request.capability}", PROVIDER)


async def body_for(request: Request, store: ObjectStore, idempotency_key: str) -> dict[str, Any]:
    """The submit's body. Raises refusals only (InvalidInputError, TransientError): nothing has been sent yet."""
    estimate(request)
    model = model_for(request)
    if isinstance(request, VideoRequest):
        return {**await _video_body(request, model, store), "seed": seed_of(idempotency_key)}
    assert isinstance(request, ImageRequest | CreationRequest)
    return await _image_body(request, model, IMAGE_MODELS[model], store)


async def _image_body(
    request: ImageRequest | CreationRequest, req_key: str, model: ImageModel, store: ObjectStore
) -> dict[str, Any]:
    if isinstance(request, ImageRequest):
        size_px = SCENE_SIZE_PX
        inputs = [await product_on_white(store, request.cutout, PROVIDER)]
    else:
        size_px = made_size_px(request.size_px)
        inputs = [await jpeg_of(store, picture, IMAGE_INPUT, PROVIDER) for picture in request.pictures]
    return {
        "req_key": req_key,
        "prompt": picture_prompt(request, PROMPT_CHARS, PROVIDER),
        **await _given(store, inputs, _an_input(request)),
        "width": size_px[0],
        "height": size_px[1],
        "scale": model.scale,
        # Otherwise the model may make several pictures of one request, and bill each.
        "force_single": True,
    }


async def _video_body(request: VideoRequest, req_key: str, store: ObjectStore) -> dict[str, Any]:
    body: dict[str, Any] = {
        "req_key": req_key,
        "prompt": video_prompt(request, PROMPT_CHARS, PROVIDER),
        "frames": VIDEO_FRAMES[_length_s(request)],
    }
    if not request.frames:
        return {**body, "aspect_ratio": nearest_ratio(request.size_px)}
    frame = await jpeg_of(store, request.frames[0].picture, VIDEO_INPUT, PROVIDER)
    return {**body, "binary_data_base64": [raw_base64(frame)]}


def _an_input(request: ImageRequest | CreationRequest) -> StoredObject | None:
    if isinstance(request, ImageRequest):
        return request.cutout
    return request.pictures[0] if request.pictures else None


async def _given(store: ObjectStore, inputs: list[bytes], stored: StoredObject | None) -> dict[str, Any]:
    """Input pictures as signed addresses where storage has public ones (``stored`` shows whether it has), which is what
    the page on pictures documents; else as raw base64, which only the pages on video document.
    """
    if stored is None:
        return {}
    try:
        if await asyncio.to_thread(public_url, store, stored) is None:
            return {"binary_data_base64": [raw_base64(picture) for picture in inputs]}
        return {"image_urls": [await asyncio.to_thread(_published, store, picture) for picture in inputs]}
    except StorageError as error:
        raise TransientError("the input pictures cannot be published in storage", PROVIDER) from error


def _published(store: ObjectStore, picture: bytes) -> str | None:
    name = hashlib.sha256(picture).hexdigest()
    stored = store.put(f"published/jimeng/{name}.jpg", picture, "image/jpeg")
    return public_url(store, stored, _LINK_LIVES_S)


def _length_s(request: VideoRequest) -> int:
    """The shortest length that is not below the storyboard's."""
    wanted_s = request.storyboard.duration_s
    for length_s in sorted(VIDEO_FRAMES):
        if length_s >= wanted_s - 1e-6:
            return length_s
    raise InvalidInputError(
        f"jimeng makes videos of at most {max(VIDEO_FRAMES)} s, not {wanted_s:g} s", PROVIDER
    )


def _require_known(model: str, models: Mapping[str, object]) -> None:
    if model not in models:
        raise InvalidInputError(
            f"jimeng has no model {model!r} for this; there are {', '.join(models)}", PROVIDER
        )


def _require_makeable(request: ImageRequest | CreationRequest) -> None:
    if isinstance(request, CreationRequest):
        require_pictures(request, PROVIDER)
    elif not request.style:
        raise InvalidInputError("jimeng makes scenes; the white main image is made offline", PROVIDER)
