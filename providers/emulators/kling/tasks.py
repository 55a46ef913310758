"""The newer generation: the model in the path, ``GET /tasks`` (Kling: 3.0 image-to-video and text-to-video pages)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from providers.emulators.core.jobs import Job, State
from providers.emulators.kling import codes, wishes
from providers.emulators.kling.codes import RefusalError
from providers.emulators.kling.offers import ASPECTS, IMAGE_TO_VIDEO, TEXT_TO_VIDEO, Offer
from providers.emulators.kling.wishes import Wish, bad

ENDPOINTS: Mapping[str, Mapping[str, Offer]] = {
    "image-to-video": IMAGE_TO_VIDEO,
    "text-to-video": TEXT_TO_VIDEO,
}
WORDS: Mapping[State, str] = {
    State.QUEUED: "submitted",
    State.RUNNING: "processing",
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
}
MAX_LISTED = 500
_MAX_ELEMENTS = 3


def read(endpoint: str, model: str, value: Any) -> Wish:
    """The wish in a request's body. Raises RefusalError."""
    offer = ENDPOINTS[endpoint].get(model)
    if offer is None:
        raise RefusalError(codes.NO_RESOURCE, f"model {model}")
    by_image = endpoint == "image-to-video"
    body = wishes.only(value, {"contents" if by_image else "prompt", "settings", "options"}, endpoint)
    prompt, image, last_image = (
        _contents(body, offer, model)
        if by_image
        else (wishes.text(body, "prompt", offer.prompt_chars, required=True), "", "")
    )
    known = {"resolution", "duration"}
    known |= set() if by_image else {"aspect_ratio"}
    known |= {"audio"} if offer.sounding else set()
    known |= {"multi_shot"} if offer.takes_multi_shot else set()
    settings = wishes.only(body.get("settings", {}), known, "settings")
    options = wishes.only(
        body.get("options", {}), {"callback_url", "external_task_id", "watermark_info"}, "options"
    )
    resolution = wishes.word(settings, "resolution", offer.silent, "720p")
    sound = wishes.word(settings, "audio", ("native", "off"), "off") == "native"
    if sound and resolution not in offer.sound_resolutions:
        raise bad(f"{model} has no sound at {resolution}")
    return Wish(
        legacy=False,
        endpoint=endpoint,
        model=model,
        offer=offer,
        prompt=prompt,
        image=image,
        last_image=last_image,
        resolution=resolution,
        duration_s=wishes.whole(settings, "duration", offer.durations_s, 5),
        sound=sound,
        multi_shot=wishes.flag(settings, "multi_shot", True) if offer.takes_multi_shot else False,
        aspect="" if by_image else wishes.word(settings, "aspect_ratio", ASPECTS, "16:9"),
        external_id=wishes.text(options, "external_task_id"),
        callback_url=wishes.text(options, "callback_url"),
        watermark=wishes.watermark(options),
    )


def _contents(body: Mapping[str, Any], offer: Offer, model: str) -> tuple[str, str, str]:
    """Prompt, first frame and last frame."""
    items = body.get("contents")
    if not isinstance(items, list) or not items:
        raise bad("contents must be a list that is not empty")
    found: dict[str, list[str]] = {"prompt": [], "first_frame": [], "last_frame": [], "element": []}
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if kind == "element" and offer.takes_last_frame:
            # What an element holds is not examined here: skuflow has no use for them.
            found["element"].append("element")
        elif kind == "prompt":
            part = wishes.only(item, {"type", "text"}, "contents")
            found["prompt"].append(wishes.text(part, "text", offer.prompt_chars))
        elif kind == "first_frame" or (kind == "last_frame" and offer.takes_last_frame):
            part = wishes.only(item, {"type", "url"}, "contents")
            found[kind].append(wishes.text(part, "url", required=True))
        else:
            raise bad(f"{model} does not take contents of type {kind}")
    if any(len(found[kind]) > 1 for kind in ("prompt", "first_frame", "last_frame")):
        raise bad("contents has more than one prompt, first_frame or last_frame")
    if len(found["element"]) > _MAX_ELEMENTS:
        raise bad(f"contents has more than {_MAX_ELEMENTS} elements")
    if not found["first_frame"]:
        raise bad("first_frame is required")
    return "".join(found["prompt"]), found["first_frame"][0], "".join(found["last_frame"])


def accepted(job: Job) -> dict[str, Any]:
    """The reply to a create request."""
    at_ms = int(job.accepted_at_s * 1000)
    return {
        "id": job.id,
        "status": "submitted",
        "create_time": at_ms,
        "update_time": at_ms,
        "external_id": job.external_id,
    }


def task(
    job: Job, state: State, charge: Decimal, by_cash: bool, videos: list[dict[str, str]]
) -> dict[str, Any]:
    """A task as queries and callbacks show it. ``outputs`` and ``billing`` are filled at its end."""
    return {
        "id": job.id,
        "status": WORDS[state],
        "message": job.reason if state is State.FAILED else "",
        "create_time": int(job.accepted_at_s * 1000),
        "update_time": int(job.entered_at_s(state) * 1000),
        "external_id": job.external_id,
        "outputs": [{"type": "video", **video} for video in videos],
        "billing": [_billing(job, charge, by_cash)] if state.is_terminal and charge else [],
    }


def _billing(job: Job, charge: Decimal, by_cash: bool) -> dict[str, str]:
    return {
        "charge_type": "cash" if by_cash else "unit",
        "amount": format(charge.normalize(), "f"),
        "package_type": "" if by_cash else "video",
        "cash_type": "balance" if by_cash else "",
        "currency": "CNY",
        "list_price": format(Decimal(job.payload["list_price"]).normalize(), "f"),
    }


def listed_ids(query: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """Which kind of ids ``GET /tasks`` asks by, and the ids. Raises RefusalError unless it is exactly one kind."""
    kinds = [kind for kind in ("task_ids", "external_task_ids") if kind in query]
    if len(kinds) != 1 or set(query) != set(kinds):
        raise bad("give either task_ids or external_task_ids")
    ids = [name for given in query[kinds[0]] for name in given.split(",") if name]
    if not ids:
        raise bad(f"{kinds[0]} is empty")
    return kinds[0], ids
