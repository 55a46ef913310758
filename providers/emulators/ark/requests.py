"""Reading the bodies that Ark takes, as strictly as its pages describe them: Seedance (82379/1520757) and Seedream
(82379/1541523). Whatever does not fit is MissingParameter or InvalidParameter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from providers.emulators.ark import offers
from providers.emulators.ark.codes import ArkError, invalid, missing

DEFAULT_EXPIRES_AFTER_S = 172_800
MOST_INPUT_PICTURES = 14
MOST_INPUTS_AND_OUTPUTS = 15
MOST_AREA_PX = 16_777_216

_M = TypeVar("_M")
_ROLES = ("first_frame", "last_frame", "reference_image")
_BOOLEANS = ("watermark", "return_last_frame", "generate_audio", "camera_fixed", "draft")
_TEXT_FLAG = re.compile(r"--(?P<name>[a-z_]+)\s+(?P<value>\S+)")
_TEXT_FLAGS = {
    "resolution": "resolution",
    "rs": "resolution",
    "ratio": "ratio",
    "rt": "ratio",
    "duration": "duration",
    "dur": "duration",
}
_PICTURE_FIELDS = frozenset(
    {
        "model",
        "prompt",
        "image",
        "size",
        "sequential_image_generation",
        "sequential_image_generation_options",
        "response_format",
        "watermark",
        "stream",
        "optimize_prompt_options",
    }
)
_PRESETS_PX = {"1K": 1024, "2K": 2048, "3K": 3072, "4K": 4096}


@dataclass(frozen=True, slots=True)
class ClipWish:
    """A Seedance task. ``pictures``: (role, address) pairs. ``frames`` decides the length."""

    model: str
    text: str
    pictures: tuple[tuple[str, str], ...]
    resolution: str
    ratio: str
    duration_s: int
    frames: int
    seed: int
    flex: bool
    watermark: bool
    return_last_frame: bool
    expires_after_s: int
    callback_url: str


@dataclass(frozen=True, slots=True)
class PictureWish:
    """A Seedream request. ``grouped``: several pictures may come back, ``count`` at most."""

    model: str
    prompt: str
    pictures: tuple[str, ...]
    size_px: tuple[int, int]
    grouped: bool
    count: int
    as_base64: bool
    watermark: bool


def read_clip(body: Mapping[str, Any], activated: Collection[str]) -> ClipWish:
    """Raises ArkError."""
    name, model = _model(body, offers.CLIPS, activated)
    _only(body, model.fields)
    text, pictures = _content(body.get("content"))
    if model.text_flags:
        body = {**_flags_in(text), **body}
    resolution = body.get("resolution", model.default_resolution)
    if not isinstance(resolution, str) or resolution not in model.prices:
        raise invalid("resolution", f"{name} makes {', '.join(model.prices)}")
    for field in _BOOLEANS:
        if not isinstance(body.get(field, False), bool):
            raise invalid(field, "must be a boolean")
    duration_s, frames = _length(body, model)
    seed = body.get("seed", -1)
    if not _is_int(seed) or not -1 <= seed < 2**32:
        raise invalid("seed", "must be an integer within -1 and 4294967295")
    return ClipWish(
        model=name,
        text=text,
        pictures=pictures,
        resolution=resolution,
        ratio=_ratio(body, model, pictures),
        duration_s=duration_s,
        frames=frames,
        seed=seed,
        flex=_flex(body, model),
        watermark=body.get("watermark", False),
        return_last_frame=body.get("return_last_frame", False),
        expires_after_s=_expires_after_s(body),
        callback_url=_callback(body),
    )


def read_picture(body: Mapping[str, Any], activated: Collection[str]) -> PictureWish:
    """Raises ArkError."""
    name, model = _model(body, offers.PICTURES, activated)
    _only(body, _PICTURE_FIELDS)
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise missing("prompt")
    given = body.get("image", [])
    pictures = [given] if isinstance(given, str) else given
    if not isinstance(pictures, list) or not all(isinstance(item, str) and item for item in pictures):
        raise invalid("image", "must be a string or a list of strings")
    if len(pictures) > MOST_INPUT_PICTURES:
        raise invalid("image", f"at most {MOST_INPUT_PICTURES} pictures")
    if body.get("stream", False) is not False:
        raise invalid("stream", "streaming is not offered here")
    watermark = body.get("watermark", True)
    if not isinstance(watermark, bool):
        raise invalid("watermark", "must be a boolean")
    form = body.get("response_format", "url")
    if form not in ("url", "b64_json"):
        raise invalid("response_format", "must be url or b64_json")
    grouped, count = _group(body, MOST_INPUTS_AND_OUTPUTS - len(pictures))
    return PictureWish(
        model=name,
        prompt=prompt,
        pictures=tuple(pictures),
        size_px=_size(body.get("size", "2048x2048"), model),
        grouped=grouped,
        count=count,
        as_base64=form == "b64_json",
        watermark=watermark,
    )


def _model(body: Mapping[str, Any], models: Mapping[str, _M], activated: Collection[str]) -> tuple[str, _M]:
    name = body.get("model")
    if not isinstance(name, str) or not name:
        raise missing("model")
    if name not in models:
        raise ArkError("InvalidEndpointOrModel.NotFound")
    if name not in activated:
        raise ArkError("ModelNotOpen", f"Your account has not activated the model {name}.")
    return name, models[name]


def _only(body: Mapping[str, Any], known: Collection[str]) -> None:
    for name in sorted(set(body) - set(known)):
        raise invalid(name, "it is not supported by this model")


def _content(content: object) -> tuple[str, tuple[tuple[str, str], ...]]:
    if content is None:
        raise missing("content")
    if not isinstance(content, list) or not content or not all(isinstance(item, dict) for item in content):
        raise invalid("content", "must be a list of objects")
    texts: list[str] = []
    pictures: list[tuple[str, str]] = []
    for item in content:
        if item.get("type") == "text" and isinstance(item.get("text"), str):
            texts.append(item["text"])
        elif item.get("type") == "image_url":
            pictures.append(_picture(item))
        else:
            raise invalid("content.type", f"{item.get('type')!r} is not offered here")
    _check_roles([role for role, _ in pictures])
    text = "\n".join(texts)
    if not text.strip() and not pictures:
        raise missing("content.text")
    return text, tuple(pictures)


def _picture(item: Mapping[str, Any]) -> tuple[str, str]:
    _only(item, {"type", "image_url", "role"})
    holder = item.get("image_url")
    if not isinstance(holder, dict) or not isinstance(holder.get("url"), str) or not holder["url"]:
        raise missing("content.image_url.url")
    role = item.get("role", "first_frame")
    if role not in _ROLES:
        raise invalid("content.role", f"must be one of {', '.join(_ROLES)}")
    return role, holder["url"]


def _check_roles(roles: list[str]) -> None:
    if roles.count("first_frame") > 1 or roles.count("last_frame") > 1:
        raise invalid("content.role", "at most one first_frame and one last_frame")
    if "last_frame" in roles and "first_frame" not in roles:
        raise invalid("content.role", "last_frame needs first_frame")
    if "reference_image" in roles and len(set(roles)) > 1:
        raise invalid("content.role", "frames and references cannot be mixed")


def _flags_in(text: str) -> dict[str, Any]:
    """What 1.0 models read from the text; fields beside it win."""
    flags: dict[str, Any] = {}
    for match in _TEXT_FLAG.finditer(text):
        field = _TEXT_FLAGS.get(match["name"])
        if field is not None:
            value = match["value"]
            flags[field] = int(value) if field == "duration" and value.isdigit() else value
    return flags


def _length(body: Mapping[str, Any], model: offers.ClipModel) -> tuple[int, int]:
    frames = body.get("frames")
    if frames is not None:
        if not _is_int(frames) or not 29 <= frames <= 289 or (frames - 25) % 4:
            raise invalid("frames", "must be 25 + 4n within 29 and 289")
        return round(frames / 24), frames
    duration_s = body.get("duration", 5)
    if not _is_int(duration_s) or not model.least_s <= duration_s <= model.most_s:
        raise invalid("duration", f"must be an integer within {model.least_s} and {model.most_s}")
    return duration_s, offers.clip_frames(duration_s)


def _ratio(body: Mapping[str, Any], model: offers.ClipModel, pictures: tuple[tuple[str, str], ...]) -> str:
    ratio = body.get("ratio", "adaptive")
    if not isinstance(ratio, str) or ratio not in ("adaptive", *offers.RATIOS):
        raise invalid("ratio", f"must be adaptive or one of {', '.join(offers.RATIOS)}")
    has_frame = any(role == "first_frame" for role, _ in pictures)
    if has_frame and "ratio" in body and not model.ratio_with_frame:
        raise ArkError(
            "InvalidParameter.TaskTypeConstraint", "ratio cannot be given together with first_frame.", "ratio"
        )
    return ratio


def _flex(body: Mapping[str, Any], model: offers.ClipModel) -> bool:
    tier = body.get("service_tier", "default")
    if tier not in ("default", "flex") or (tier == "flex" and not model.flex):
        raise invalid("service_tier", "it is not supported by this model")
    return bool(tier == "flex")


def _expires_after_s(body: Mapping[str, Any]) -> int:
    identifier = body.get("safety_identifier", "")
    if not isinstance(identifier, str) or len(identifier) > 64:
        raise invalid("safety_identifier", "must be a string of at most 64 characters")
    expires_after_s = body.get("execution_expires_after", DEFAULT_EXPIRES_AFTER_S)
    if not _is_int(expires_after_s) or not 3600 <= expires_after_s <= 259_200:
        raise invalid("execution_expires_after", "must be an integer within 3600 and 259200")
    return expires_after_s


def _callback(body: Mapping[str, Any]) -> str:
    url = body.get("callback_url", "")
    if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
        raise invalid("callback_url", "must be an http address")
    return url


def _group(body: Mapping[str, Any], most: int) -> tuple[bool, int]:
    mode = body.get("sequential_image_generation", "disabled")
    options = body.get("sequential_image_generation_options", {})
    if mode not in ("disabled", "auto"):
        raise invalid("sequential_image_generation", "must be auto or disabled")
    if not isinstance(options, dict):
        raise invalid("sequential_image_generation_options", "must be an object")
    wanted = options.get("max_images", most)
    if not _is_int(wanted) or not 1 <= wanted <= MOST_INPUTS_AND_OUTPUTS:
        raise invalid("sequential_image_generation_options.max_images", "must be an integer within 1 and 15")
    return mode == "auto", min(wanted, most) if mode == "auto" else 1


def _size(size: object, model: offers.PictureModel) -> tuple[int, int]:
    if isinstance(size, str) and size in model.presets:
        return _PRESETS_PX[size], _PRESETS_PX[size]
    match = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", size) if isinstance(size, str) else None
    if match is None:
        raise invalid("size", f"must be WIDTHxHEIGHT or one of {', '.join(sorted(model.presets))}")
    width, height = int(match[1]), int(match[2])
    if not model.least_area_px <= width * height <= MOST_AREA_PX:
        raise invalid("size", f"the picture must have {model.least_area_px} to {MOST_AREA_PX} pixels")
    if not 1 / 16 <= width / height <= 16:
        raise invalid("size", "width / height must lie within 1/16 and 16")
    return width, height


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
