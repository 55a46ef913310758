"""Reading requests strictly: what Kling's pages do not name, it does not get."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from providers.emulators.kling.codes import BAD_VALUE, RefusalError
from providers.emulators.kling.offers import Offer


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that has been read, of either generation. ``image`` and ``last_image`` are as they came: raw base64 or
    an address. ``multi_shot`` is what holds, by the default where the request did not say. ``aspect`` is empty for
    image-to-video.
    """

    legacy: bool
    endpoint: str
    model: str
    offer: Offer
    prompt: str
    image: str
    last_image: str
    resolution: str
    duration_s: int
    sound: bool
    multi_shot: bool
    aspect: str
    external_id: str
    callback_url: str
    watermark: bool

    @property
    def what(self) -> str:
        sound = " with sound" if self.sound else ""
        return f"{self.endpoint} {self.resolution} {self.duration_s} s{sound}"


def bad(detail: str) -> RefusalError:
    return RefusalError(BAD_VALUE, detail)


def only(value: Any, known: Collection[str], where: str) -> Mapping[str, Any]:
    """``value`` as an object with no other members than ``known``. Raises RefusalError."""
    if not isinstance(value, dict):
        raise bad(f"{where} must be an object")
    for name in value:
        if name not in known:
            raise bad(f"{where} does not take {name}")
    return value


def text(body: Mapping[str, Any], name: str, limit: int | None = None, required: bool = False) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise bad(f"{name} must be a string")
    if required and not value.strip():
        raise bad(f"{name} is required")
    if limit is not None and len(value) > limit:
        raise bad(f"{name} has more than {limit} characters")
    return value


def word(body: Mapping[str, Any], name: str, allowed: Collection[str], default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str) or value not in allowed:
        raise bad(f"{name} must be one of {', '.join(sorted(allowed))}")
    return value


def flag(body: Mapping[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise bad(f"{name} must be true or false")
    return value


def whole(body: Mapping[str, Any], name: str, allowed: Collection[int], default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise bad(
            f"{name} must be a whole number from {min(allowed)} to {max(allowed)} that the model offers"
        )
    return value


def watermark(body: Mapping[str, Any]) -> bool:
    return flag(only(body.get("watermark_info", {}), {"enabled"}, "watermark_info"), "enabled", False)
