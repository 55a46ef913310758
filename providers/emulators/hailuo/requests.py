"""Reading what a create call asks for, as strictly as MiniMax's pages describe it (v1: "Image to video", "Text to
video"; v2: "Video generation V2: create"). Whatever does not fit is 2013, an invisible character 1042.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

from providers.emulators.hailuo.codes import BAD_PARAMS, INVISIBLE_CHARACTERS, RefusalError
from providers.emulators.hailuo.offers import CLIP_MODELS, RATIOS, SECOND_MODELS, ClipModel, SecondModel

V1_PROMPT_CHARS = 2000
V2_TEXT_CHARS = 7000
MOST_REFERENCE_IMAGES = 9

_V1_FIELDS = frozenset(
    {
        "model",
        "prompt",
        "first_frame_image",
        "last_frame_image",
        "duration",
        "resolution",
        "prompt_optimizer",
        "fast_pretreatment",
        "callback_url",
        "aigc_watermark",
    }
)
# The vendor's reference does not name aigc_watermark for v2, other clients send it: accepted.
_V2_FIELDS = frozenset(
    {"model", "content", "resolution", "duration", "ratio", "callback_url", "aigc_watermark"}
)
_M = TypeVar("_M")
_FRAME_ROLES = ("first_frame", "last_frame")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for, of either version. ``pictures`` are (role, address) pairs, an address as it was sent."""

    model: str
    text: str
    pictures: tuple[tuple[str, str], ...]
    resolution: str
    duration_s: int
    ratio: str
    callback_url: str

    def picture(self, role: str) -> str | None:
        return next((address for of, address in self.pictures if of == role), None)


def read_v1(body: Mapping[str, Any], last_frame_models: Collection[str]) -> Wish:
    """A v1 create. ``last_frame_models``: the models that take ``last_frame_image`` (sources differ on 2.3)."""
    _only(body, _V1_FIELDS)
    name, model = _model(body, CLIP_MODELS)
    for flag in ("prompt_optimizer", "fast_pretreatment", "aigc_watermark"):
        if not isinstance(body.get(flag, False), bool):
            raise _bad(f"{flag} must be a boolean")
    pictures = _v1_pictures(body, name, model, last_frame_models)
    prompt = _text(body.get("prompt", ""), "prompt", V1_PROMPT_CHARS)
    if not pictures and not prompt.strip():
        raise _bad("prompt is required")
    resolution, duration_s = body.get("resolution", "768P"), body.get("duration", 6)
    if (
        not isinstance(resolution, str)
        or not _is_int(duration_s)
        or (resolution, duration_s) not in model.prices
    ):
        raise _bad(f"{name} does not support duration {duration_s!r} with resolution {resolution!r}")
    return Wish(
        model=name,
        text=prompt,
        pictures=pictures,
        resolution=resolution,
        duration_s=duration_s,
        ratio="",
        callback_url=_callback(body),
    )


def read_v2(body: Mapping[str, Any]) -> Wish:
    """A v2 create."""
    _only(body, _V2_FIELDS)
    name, model = _model(body, SECOND_MODELS)
    texts, pictures = _content(body.get("content"), model)
    if not any(text.strip() for text in texts):
        raise _bad("content must include a non-empty text item (prompt is required)")
    resolution = body.get("resolution")
    if not isinstance(resolution, str) or resolution not in model.prices_per_s:
        raise _bad(f"resolution of {name} must be one of {', '.join(model.prices_per_s)}")
    duration_s = body.get("duration")
    if not _is_int(duration_s) or not model.least_s <= duration_s <= model.most_s:
        raise _bad(f"duration of {name} must be an integer within {model.least_s} and {model.most_s}")
    return Wish(
        model=name,
        text="\n".join(texts),
        pictures=pictures,
        resolution=resolution,
        duration_s=duration_s,
        ratio=_ratio(body.get("ratio", "adaptive"), pictures),
        callback_url=_callback(body),
    )


def _bad(detail: str) -> RefusalError:
    return RefusalError(BAD_PARAMS, detail)


def _only(body: Mapping[str, Any], known: Collection[str]) -> None:
    unknown = sorted(set(body) - set(known))
    if unknown:
        raise _bad(f"unknown field {unknown[0]}")


def _model(body: Mapping[str, Any], models: Mapping[str, _M]) -> tuple[str, _M]:
    name = body.get("model")
    if not isinstance(name, str) or name not in models:
        raise _bad(f"model must be one of {', '.join(models)}")
    return name, models[name]


def _v1_pictures(
    body: Mapping[str, Any], name: str, model: ClipModel, last_frame_models: Collection[str]
) -> tuple[tuple[str, str], ...]:
    pictures = []
    for role in _FRAME_ROLES:
        address = body.get(f"{role}_image")
        if address is None:
            continue
        if not isinstance(address, str) or not address:
            raise _bad(f"{role}_image must be a URL or a data URI")
        if role == "last_frame" and name not in last_frame_models:
            raise _bad(f"{name} does not support last_frame_image")
        pictures.append((role, address))
    if model.needs_first_frame and not pictures:
        raise _bad(f"{name} needs first_frame_image")
    return tuple(pictures)


def _content(content: object, model: SecondModel) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise _bad("content must be a list of objects")
    texts: list[str] = []
    pictures: list[tuple[str, str]] = []
    for item in content:
        if item.get("type") == "text":
            texts.append(_text(item.get("text"), "text", V2_TEXT_CHARS))
        elif item.get("type") == "image_url":
            pictures.append(_picture(item))
        else:
            # reference_video and reference_audio exist at the vendor; nothing here sends them.
            raise _bad(f"content type {item.get('type')!r} is not supported")
    _check_roles([role for role, _ in pictures], model)
    return texts, tuple(pictures)


def _picture(item: Mapping[str, Any]) -> tuple[str, str]:
    _only(item, {"type", "image_url", "role"})
    holder = item.get("image_url")
    if not isinstance(holder, dict) or not isinstance(holder.get("url"), str) or not holder["url"]:
        raise _bad("image_url.url is required")
    role = item.get("role", "first_frame")
    if role not in (*_FRAME_ROLES, "reference_image"):
        raise _bad(f"role {role!r} is not one of an image")
    return role, holder["url"]


def _check_roles(roles: list[str], model: SecondModel) -> None:
    for role in _FRAME_ROLES:
        if roles.count(role) > 1:
            raise _bad(f"at most one {role} is allowed")
    if "last_frame" in roles and "first_frame" not in roles:
        raise _bad("last_frame must be paired with first_frame")
    if "reference_image" in roles:
        if not model.takes_references:
            raise _bad("the model does not support references")
        if roles.count("reference_image") != len(roles):
            raise _bad("frames and references cannot be mixed")
        if len(roles) > MOST_REFERENCE_IMAGES:
            raise _bad(f"at most {MOST_REFERENCE_IMAGES} reference images are allowed")


def _ratio(ratio: object, pictures: tuple[tuple[str, str], ...]) -> str:
    if not isinstance(ratio, str) or ratio not in ("adaptive", *RATIOS):
        raise _bad(f"ratio must be adaptive or one of {', '.join(RATIOS)}")
    if not pictures and ratio == "adaptive":
        raise _bad("ratio is required for text to video and cannot be adaptive")
    framed = any(role in _FRAME_ROLES for role, _ in pictures)
    return "adaptive" if framed else ratio


def _callback(body: Mapping[str, Any]) -> str:
    url = body.get("callback_url", "")
    if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
        raise _bad("callback_url must be an http address")
    return url


def _text(value: object, name: str, most_chars: int) -> str:
    if not isinstance(value, str):
        raise _bad(f"{name} must be a string")
    if len(value) > most_chars:
        raise _bad(f"{name} must have at most {most_chars} characters")
    if any(unicodedata.category(char) == "Cc" and char not in "\t\r\n" for char in value):
        raise RefusalError(INVISIBLE_CHARACTERS)
    return value


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
