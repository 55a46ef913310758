"""Reading the body of a submit as strictly as its page describes it (pages 85621/1817045, 1777001, 1792710).

Whatever does not fit is refused with 50215; a ``req_key`` that is not sold, or not opened for the account, with 50400.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from providers.emulators.jimeng import offers
from providers.emulators.jimeng.codes import BAD_INPUT, DENIED, RefusalError

PROMPT_CHARS = 800

_PICTURE_FIELDS = frozenset(
    {
        "req_key",
        "prompt",
        "image_urls",
        "binary_data_base64",
        "size",
        "width",
        "height",
        "scale",
        "force_single",
        "min_ratio",
        "max_ratio",
    }
)
_CLIP_FIELDS = frozenset({"req_key", "prompt", "image_urls", "binary_data_base64", "seed", "frames"})


@dataclass(frozen=True, slots=True)
class PictureWish:
    """A request for pictures. ``size_px`` is None where only an area is given: the vendor chooses the shape then."""

    req_key: str
    prompt: str
    image_urls: tuple[str, ...]
    pictures_base64: tuple[str, ...]
    size_px: tuple[int, int] | None
    area_px: int
    force_single: bool


@dataclass(frozen=True, slots=True)
class ClipWish:
    """A request for a clip; of ``image_urls`` and ``pictures_base64`` at most one is not empty."""

    req_key: str
    prompt: str
    image_urls: tuple[str, ...]
    pictures_base64: tuple[str, ...]
    frames: int
    ratio: str


def read_wish(
    body: Mapping[str, Any], opened: Collection[str], pictures_as_base64: bool = True
) -> PictureWish | ClipWish:
    """What a submit asks for. ``opened``: the keys that the account may use. Raises RefusalError.

    ``pictures_as_base64``: whether the picture keys take ``binary_data_base64``; their page shows ``image_urls`` only,
    so it is unconfirmed.
    """
    req_key = body.get("req_key")
    if not isinstance(req_key, str) or req_key not in opened:
        raise RefusalError(DENIED)
    if req_key in offers.PICTURES:
        if "binary_data_base64" in body and not pictures_as_base64:
            raise _bad("unknown field binary_data_base64")
        return _picture(req_key, body, offers.PICTURES[req_key])
    if req_key in offers.CLIPS:
        return _clip(req_key, body, offers.CLIPS[req_key])
    raise RefusalError(DENIED)


def _picture(req_key: str, body: Mapping[str, Any], offer: offers.PictureOffer) -> PictureWish:
    _only(body, _PICTURE_FIELDS)
    urls, pictures = _inputs(body)
    if len(urls) + len(pictures) > offer.most_inputs:
        raise _bad(f"{req_key} takes at most {offer.most_inputs} pictures")
    _check_scale(body, offer)
    _check_ratios(body)
    force_single = body.get("force_single", False)
    if not isinstance(force_single, bool):
        raise _bad("force_single must be a boolean")
    return PictureWish(
        req_key=req_key,
        prompt=_prompt(body),
        image_urls=urls,
        pictures_base64=pictures,
        size_px=_size(body),
        area_px=_area(body),
        force_single=force_single,
    )


def _clip(req_key: str, body: Mapping[str, Any], offer: offers.ClipOffer) -> ClipWish:
    _only(body, _CLIP_FIELDS | ({"aspect_ratio"} if offer.takes_ratio else set()))
    urls, pictures = _inputs(body)
    least, most = offer.inputs
    if not least <= len(urls) + len(pictures) <= most:
        raise _bad(f"{req_key} takes {least} to {most} pictures")
    frames = body.get("frames", offers.FRAMES[0])
    if not _is_int(frames) or frames not in offers.FRAMES:
        raise _bad("frames must be 121 or 241")
    if "seed" in body and not _is_int(body["seed"]):
        raise _bad("seed must be an integer")
    ratio = body.get("aspect_ratio", "")
    if ratio and (urls or pictures):
        raise _bad("aspect_ratio is for text to video only")
    if not isinstance(ratio, str) or (ratio and ratio not in offer.sizes_px):
        raise _bad("aspect_ratio is not one of those offered")
    return ClipWish(
        req_key=req_key,
        prompt=_prompt(body),
        image_urls=urls,
        pictures_base64=pictures,
        frames=frames,
        ratio=ratio or "16:9",
    )


def _bad(detail: str) -> RefusalError:
    return RefusalError(BAD_INPUT, detail)


def _only(body: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise _bad(f"unknown field {unknown[0]}")


def _prompt(body: Mapping[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise _bad("prompt is required")
    if len(prompt) > PROMPT_CHARS:
        raise _bad(f"prompt must have at most {PROMPT_CHARS} characters")
    return prompt


def _texts(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _bad(f"{name} must be a list of strings")
    return tuple(value)


def _inputs(body: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    urls, pictures = _texts(body, "image_urls"), _texts(body, "binary_data_base64")
    if urls and pictures:
        raise _bad("give image_urls or binary_data_base64, not both")
    return urls, pictures


def _size(body: Mapping[str, Any]) -> tuple[int, int] | None:
    if "width" not in body and "height" not in body:
        return None
    width, height = body.get("width"), body.get("height")
    if not _is_int(width) or not _is_int(height) or width < 1 or height < 1:
        raise _bad("width and height must be given together, as integers")
    if not offers.LEAST_AREA_PX <= width * height <= offers.MOST_AREA_PX:
        raise _bad("width x height must lie within 1024x1024 and 4096x4096")
    if not 1 / 16 <= width / height <= 16:
        raise _bad("width / height must lie within 1/16 and 16")
    return width, height


def _area(body: Mapping[str, Any]) -> int:
    area = body.get("size", offers.DEFAULT_AREA_PX)
    if not _is_int(area) or not offers.LEAST_AREA_PX <= area <= offers.MOST_AREA_PX:
        raise _bad("size is an area within 1048576 and 16777216")
    return int(area)


def _check_scale(body: Mapping[str, Any], offer: offers.PictureOffer) -> None:
    if "scale" not in body:
        return
    scale = body["scale"]
    if offer.scale_is_percent:
        if not _is_int(scale) or not 1 <= scale <= 100:
            raise _bad("scale must be an integer within 1 and 100")
    elif not _is_number(scale) or not 0 <= scale <= 1:
        raise _bad("scale must be a number within 0 and 1")


def _check_ratios(body: Mapping[str, Any]) -> None:
    least, most = body.get("min_ratio", 1 / 3), body.get("max_ratio", 3)
    if not _is_number(least) or not _is_number(most) or not 0 < least < most:
        raise _bad("min_ratio must be below max_ratio")


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True, slots=True)
class Query:
    """What a query asks: the task, and whether pictures come as links (``return_url`` in ``req_json``)."""

    req_key: str
    task_id: str
    return_url: bool


def read_query(body: Mapping[str, Any]) -> Query:
    """The body of CVSync2AsyncGetResult; ``req_json`` is a string that holds JSON. Raises RefusalError."""
    _only(body, {"req_key", "task_id", "req_json"})
    req_key, task_id = body.get("req_key"), body.get("task_id")
    if not isinstance(req_key, str) or not isinstance(task_id, str) or not req_key or not task_id:
        raise _bad("req_key and task_id are required")
    options = _options(body.get("req_json", "{}"))
    _only(options, {"return_url", "logo_info", "aigc_meta"})
    return_url = options.get("return_url", False)
    if not isinstance(return_url, bool):
        raise _bad("return_url must be a boolean")
    return Query(req_key, task_id, return_url)


def _options(text: object) -> dict[str, Any]:
    try:
        options = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise _bad("req_json must be a string that holds a JSON object")
    return options
