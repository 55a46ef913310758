"""Writes the paid request: where it goes and what stands in it.

What has a costly or surprising default at the vendor is always said: ``n`` (4 in places), ``prompt_extend``, the
watermarks, the resolution and the sound of a video.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.dashscope.wanx.models import Work
from providers.dashscope.wanx.prompts import UNWANTED
from providers.dashscope.wanx.wishes import Wish

_Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """``body`` is JSON; ``resolves_oss``: it names a file of the vendor's temporary storage."""

    path: str
    body: Mapping[str, Any] = field(repr=False)
    resolves_oss: bool


def order_for(wish: Wish, addresses: Sequence[str], idempotency_key: str) -> Order:
    """The request for a wish whose pictures lie at ``addresses``. The seed comes from the key: the same job would be
    drawn the same way, and no two jobs send the same request.
    """
    model = wish.model
    body = _WRITERS[model.path](wish, list(addresses))
    body["model"] = model.name
    if model.takes_seed:
        body["parameters"]["seed"] = int(hashlib.sha256(idempotency_key.encode()).hexdigest()[:8], 16) >> 1
    return Order(model.path, body, any(address.startswith("oss://") for address in addresses))


def _background(wish: Wish, addresses: list[str]) -> _Body:
    """Page "wanx-background-generation-api-reference": v3 is chosen by a parameter, never by the model's name."""
    return {
        "input": {"base_image_url": addresses[0], "ref_prompt": wish.prompt, "neg_ref_prompt": UNWANTED},
        "parameters": {"n": 1, "model_version": wish.model_version},
    }


def _edit(wish: Wish, addresses: list[str]) -> _Body:
    """Page "wan2.5 image edit"."""
    return {
        "input": {"prompt": wish.prompt, "images": addresses, **_unwanted(wish)},
        "parameters": _picture_parameters(wish),
    }


def _messages(wish: Wish, addresses: list[str]) -> _Body:
    """Pages "qwen-image-edit-api" and "text-to-image-v2-api-reference": pictures first, then exactly one text."""
    content = [*({"image": address} for address in addresses), {"text": wish.prompt}]
    return {
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": {**_picture_parameters(wish), **_unwanted(wish)},
    }


def _out_painting(wish: Wish, addresses: list[str]) -> _Body:
    """Page "image out-painting": one picture a task, no words."""
    return {
        "input": {"image_url": addresses[0]},
        "parameters": {"output_ratio": wish.ratio, "add_watermark": False},
    }


def _video(wish: Wish, addresses: list[str]) -> _Body:
    """Page "image-to-video-api-reference"."""
    return {
        "input": {"prompt": wish.prompt, "img_url": addresses[0]},
        "parameters": {
            "resolution": wish.resolution,
            "duration": wish.seconds,
            "prompt_extend": wish.extends_prompt,
            "shot_type": "single",
            "audio": False,
            "watermark": False,
        },
    }


def _picture_parameters(wish: Wish) -> _Body:
    size = {"size": f"{wish.size_px[0]}*{wish.size_px[1]}"} if wish.size_px else {}
    return {"n": 1, **size, "prompt_extend": wish.extends_prompt, "watermark": False}


def _unwanted(wish: Wish) -> _Body:
    return {"negative_prompt": UNWANTED} if wish.work is Work.SCENE else {}


_WRITERS: Mapping[str, Callable[[Wish, list[str]], _Body]] = {
    "/services/aigc/background-generation/generation/": _background,
    "/services/aigc/image2image/image-synthesis": _edit,
    "/services/aigc/multimodal-generation/generation": _messages,
    "/services/aigc/image-generation/generation": _messages,
    "/services/aigc/image2image/out-painting": _out_painting,
    "/services/aigc/video-generation/video-synthesis": _video,
}
"""By the model's path: models of one path take the same request."""
