"""The older generation, ``/v1/videos/...`` (Kling: image-to-video and text-to-video pages, legacy design)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.emulators.core.jobs import Job, State
from providers.emulators.kling import codes, wishes
from providers.emulators.kling.codes import RefusalError
from providers.emulators.kling.offers import ASPECTS, LEGACY, MODES, Offer
from providers.emulators.kling.wishes import Wish, bad

ENDPOINTS = ("image2video", "text2video")
WORDS: Mapping[State, str] = {
    State.QUEUED: "submitted",
    State.RUNNING: "processing",
    State.SUCCEEDED: "succeed",
    State.FAILED: "failed",
}
_PROMPT_CHARS = 2500
_SHARED = frozenset(
    {
        "model_name",
        "model",
        "prompt",
        "negative_prompt",
        "mode",
        "duration",
        "sound",
        "cfg_scale",
        "camera_control",
        "multi_shot",
        "watermark_info",
        "callback_url",
        "external_task_id",
    }
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "image2video": _SHARED | {"image", "image_tail", "static_mask", "dynamic_masks"},
    "text2video": _SHARED | {"aspect_ratio"},
}
_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
_CAMERAS = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")


def read(endpoint: str, value: Any, multi_shot_default: bool) -> Wish:
    """The wish in a request's body. Raises RefusalError."""
    body = wishes.only(value, _FIELDS[endpoint], endpoint)
    # The key "model" of older clients is taken, and has no effect.
    model = wishes.text(body, "model_name") or "kling-v1"
    offer = LEGACY.get(model)
    if offer is None:
        raise RefusalError(codes.NO_RESOURCE, f"model {model}")
    mode = wishes.word(body, "mode", MODES, "std")
    resolution = MODES[mode]
    if resolution not in offer.silent:
        raise bad(f"{model} has no mode {mode}")
    by_image = endpoint == "image2video"
    image, last_image = wishes.text(body, "image"), wishes.text(body, "image_tail")
    if by_image and not image and not last_image:
        raise bad("image or image_tail is required")
    _check_cfg_scale(body, model, offer)
    _check_exclusive(body)
    if "multi_shot" in body and not offer.takes_multi_shot:
        raise bad(f"{model} does not take multi_shot")
    wishes.text(body, "negative_prompt", _PROMPT_CHARS)
    return Wish(
        legacy=True,
        endpoint=endpoint,
        model=model,
        offer=offer,
        prompt=wishes.text(body, "prompt", _PROMPT_CHARS, required=not by_image),
        image=image,
        last_image=last_image,
        resolution=resolution,
        duration_s=_duration_s(body, model, offer),
        sound=_sound(body, model, offer, resolution),
        multi_shot=wishes.flag(body, "multi_shot", multi_shot_default) if offer.takes_multi_shot else False,
        aspect="" if by_image else wishes.word(body, "aspect_ratio", ASPECTS, "16:9"),
        external_id=wishes.text(body, "external_task_id"),
        callback_url=wishes.text(body, "callback_url"),
        watermark=wishes.watermark(body),
    )


def _duration_s(body: Mapping[str, Any], model: str, offer: Offer) -> int:
    value = body.get("duration", "5")
    if not isinstance(value, str):
        raise bad('duration must be a string such as "5"')
    if value not in {str(length) for length in offer.durations_s}:
        raise bad(f"{model} has no duration {value}")
    return int(value)


def _sound(body: Mapping[str, Any], model: str, offer: Offer, resolution: str) -> bool:
    if "sound" not in body:
        return False
    if not offer.sounding:
        raise bad(f"{model} does not take sound")
    on = wishes.word(body, "sound", ("on", "off"), "off") == "on"
    if on and resolution not in offer.sound_resolutions:
        raise bad(f"{model} has sound in mode pro only")
    return on


def _check_cfg_scale(body: Mapping[str, Any], model: str, offer: Offer) -> None:
    if "cfg_scale" not in body:
        return
    value = body["cfg_scale"]
    if not offer.takes_cfg_scale:
        raise bad(f"{model} does not take cfg_scale")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise bad("cfg_scale must lie between 0 and 1")


def _check_exclusive(body: Mapping[str, Any]) -> None:
    masked = "static_mask" in body or "dynamic_masks" in body
    if sum(("image_tail" in body, masked, "camera_control" in body)) > 1:
        raise bad("image_tail, masks and camera_control exclude each other")
    wishes.text(body, "static_mask")
    masks = body.get("dynamic_masks", [])
    if not isinstance(masks, list) or len(masks) > 6:
        raise bad("dynamic_masks must be a list of at most 6")
    for mask in masks:
        path = wishes.only(mask, {"mask", "trajectories"}, "dynamic_masks").get("trajectories")
        if not isinstance(path, list) or not 2 <= len(path) <= 77:
            raise bad("trajectories must have 2 to 77 points")
    if "camera_control" in body:
        _check_camera(wishes.only(body["camera_control"], {"type", "config"}, "camera_control"))


def _check_camera(camera: Mapping[str, Any]) -> None:
    if wishes.word(camera, "type", _CAMERAS, "") != "simple":
        if camera.get("config"):
            raise bad("camera_control.config goes with the type simple only")
        return
    config = wishes.only(camera.get("config"), _MOVES, "camera_control.config")
    moves = [value for value in config.values() if value != 0]
    if len(moves) != 1 or isinstance(moves[0], bool) or not isinstance(moves[0], int | float):
        raise bad("camera_control.config must have exactly one move")
    if not -10 <= moves[0] <= 10:
        raise bad("a move must lie between -10 and 10")


def accepted(job: Job) -> dict[str, Any]:
    """The reply to a create request."""
    at_ms = int(job.accepted_at_s * 1000)
    return {
        "task_id": job.id,
        "task_status": "submitted",
        "task_info": {"external_task_id": job.external_id},
        "created_at": at_ms,
        "updated_at": at_ms,
    }


def task(
    job: Job, state: State, charge: Decimal, by_cash: bool, videos: list[dict[str, str]]
) -> dict[str, Any]:
    """A task as queries and callbacks show it. Deductions and results come with its end."""
    entry: dict[str, Any] = {
        "task_id": job.id,
        "task_status": WORDS[state],
        "task_status_msg": job.reason if state is State.FAILED else "",
        "task_info": {"external_task_id": job.external_id},
        "watermark_info": {"enabled": job.payload["watermark"]},
        "created_at": int(job.accepted_at_s * 1000),
        "updated_at": int(job.entered_at_s(state) * 1000),
    }
    if state.is_terminal:
        amount = format(charge.normalize(), "f")
        entry["final_unit_deduction"] = "" if by_cash else amount
        entry["final_balance_deduction"] = {
            "quota": amount if by_cash else "",
            "list_price": format(Decimal(job.payload["list_price"]).normalize(), "f") if by_cash else "",
        }
        entry["task_result"] = {"videos": videos} if state is State.SUCCEEDED else {}
    return entry
