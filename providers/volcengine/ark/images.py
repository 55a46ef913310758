"""Seedream pictures: the request, and the reply, which comes at once (Volcengine Ark: page 82379/1541523)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.volcengine.ark.errors import error_of
from providers.volcengine.ark.models import IMAGE_INPUT, IMAGE_PRICES, PROMPT_CHARS, PROVIDER
from providers.volcengine.pictures import SCENE_SIZE_PX, made_size_px, product_on_white
from providers.volcengine.prompts import picture_prompt
from providers.wire.inputs import data_uri, jpeg_of
from skuflow.jobs.contract import (
    Artifact,
    CreationRequest,
    ImageRequest,
    JobState,
    JobStatus,
)
from skuflow.jobs.errors import UnexpectedResponseError
from skuflow.storage.objects import ObjectStore

PATH: Final = "/images/generations"
KEPT: Final = "kept:"
"""How the reference of a picture begins that stands in the kept reply itself, in base64."""


async def body_for(request: ImageRequest | CreationRequest, model: str, store: ObjectStore) -> dict[str, Any]:
    """Raises refusals only (InvalidInputError, TransientError): nothing has been sent yet."""
    if isinstance(request, ImageRequest):
        size_px = SCENE_SIZE_PX
        inputs = [await product_on_white(store, request.cutout, PROVIDER)]
    else:
        size_px = made_size_px(request.size_px)
        inputs = [await jpeg_of(store, picture, IMAGE_INPUT, PROVIDER) for picture in request.pictures]
    return {
        "model": model,
        "prompt": picture_prompt(request, PROMPT_CHARS, PROVIDER),
        **({"image": [data_uri(picture) for picture in inputs]} if inputs else {}),
        "size": f"{size_px[0]}x{size_px[1]}",
        # One picture, and one only.
        "sequential_image_generation": "disabled",
        "response_format": "url",
        # The vendor's default is true.
        "watermark": False,
        "stream": False,
    }


def status_of(reply: Mapping[str, Any], model: str, key: str) -> JobStatus:
    """The end that a kept reply is: the first picture, or why there is none. Charged by the number of pictures that the
    vendor says it made.
    """
    items = [item for item in reply.get("data") or [] if isinstance(item, dict)]
    made = _count(reply)
    price = IMAGE_PRICES.get(model)
    good = [(number, item) for number, item in enumerate(items) if item.get("url") or item.get("b64_json")]
    if good:
        # A count of none beside a picture is no count.
        cost = None if price is None else price.micro(made or len(good))
        return JobStatus(JobState.SUCCEEDED, "answered", (_artifact(*good[0], key),), cost=cost)
    told = next((item["error"] for item in items if item.get("error")), None)
    error = (
        error_of(told)
        if told
        else UnexpectedResponseError("Ark says that it is done and hands over no picture", PROVIDER)
    )
    # Pictures that failed are free; of an answer with neither pictures nor errors nor a count nobody knows that.
    owed = bool(made) if told else made != 0
    cost = None if price is None or made is None else price.micro(made)
    return JobStatus(JobState.FAILED, "answered", error=error, cost=cost, charged=owed)


def picture_in(reply: Mapping[str, Any], number: int) -> str:
    """The base64 of one picture of a kept reply, empty where there is none."""
    items = reply.get("data")
    item = items[number] if isinstance(items, list) and number < len(items) else None
    inside = item.get("b64_json") if isinstance(item, dict) else None
    return inside if isinstance(inside, str) else ""


def _artifact(number: int, item: Mapping[str, Any], key: str) -> Artifact:
    url = item.get("url")
    if isinstance(url, str) and url:
        # JPEG by the vendor's samples; another format is converted when it is fetched.
        return Artifact("original", "image/jpeg", url)
    return Artifact("original", "image/jpeg", f"{KEPT}{key}/{number}")


def _count(reply: Mapping[str, Any]) -> int | None:
    usage = reply.get("usage")
    made = usage.get("generated_images") if isinstance(usage, dict) else None
    return made if isinstance(made, int) and not isinstance(made, bool) and made >= 0 else None
