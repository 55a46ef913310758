"""The models that the emulated DashScope serves: where, how fast and at what price.

Prices in CNY, mainland: Model Studio "Model pricing" page as read on 2026-11-20; limits: "Rate limits" page. What is
marked unconfirmed can be changed by ``DashScopeEmulator(models=...)``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

TEXT = "aigc/text-generation/generation"
MULTIMODAL = "aigc/multimodal-generation/generation"
BACKGROUND = "aigc/background-generation/generation"
IMAGE_TO_IMAGE = "aigc/image2image/image-synthesis"
OUT_PAINTING = "aigc/image2image/out-painting"
TEXT_TO_IMAGE = "aigc/text2image/image-synthesis"
IMAGE_TASKS = "aigc/image-generation/generation"
VIDEO = "aigc/video-generation/video-synthesis"

MILLION = Decimal(1_000_000)


class Family(StrEnum):
    """Models that take the same request."""

    TEXT = "text"
    VISION = "vision"
    BACKGROUND = "background"
    IMAGE_EDIT = "image_edit"
    WAN_EDIT = "wan_edit"
    OUT_PAINTING = "out_painting"
    TEXT_TO_IMAGE = "text_to_image"
    WAN_MESSAGES = "wan_messages"
    QWEN_IMAGE = "qwen_image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """CNY per million tokens while a request's input has at most ``up_to_tokens``. ``thinking``: output price then."""

    up_to_tokens: int
    input: Decimal
    output: Decimal
    thinking: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    ``async_at`` / ``sync_at`` are its services (paths under ``/services/``). CNY ``per_image``, and ``per_second`` by
    resolution and whether there is sound. ``submits_per_s`` and ``at_once`` limit the account; tasks beyond the second
    wait.
    ``requests_per_minute`` and ``tokens_per_minute`` limit text; a sixtieth of the first holds for every second.
    """

    name: str
    family: Family
    async_at: str = ""
    sync_at: str = ""
    per_image: Decimal = Decimal(0)
    per_second: Mapping[tuple[str, bool], Decimal] = field(default_factory=dict)
    tokens: tuple[TokenPrice, ...] = ()
    submits_per_s: int | None = 2
    at_once: int | None = 5
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def token_charge(self, input_tokens: int, output_tokens: int, thinking: bool = False) -> Decimal:
        """What an answer costs in CNY. The input decides on the price of both."""
        price = next((tier for tier in self.tokens if input_tokens <= tier.up_to_tokens), self.tokens[-1])
        output = price.thinking if thinking and price.thinking is not None else price.output
        return (input_tokens * price.input + output_tokens * output) / MILLION


def _text(
    name: str, *tiers: tuple[int, str, str, str], family: Family = Family.TEXT, rpm: int = 600
) -> Model:
    """``tiers``: up to so many input tokens, price in, price out, price out when thinking ("" for none)."""
    prices = tuple(
        TokenPrice(up_to, Decimal(price_in), Decimal(out), Decimal(thinking) if thinking else None)
        for up_to, price_in, out, thinking in tiers
    )
    return Model(
        name,
        family,
        sync_at=TEXT if family is Family.TEXT else MULTIMODAL,
        tokens=prices,
        submits_per_s=None,
        at_once=None,
        requests_per_minute=rpm,
        tokens_per_minute=1_000_000,
    )


def _vision(name: str, price_in: str, out: str) -> Model:
    return _text(name, (_ALL, price_in, out, ""), family=Family.VISION, rpm=1200)


def _images(
    name: str, family: Family, price: str, *, async_at: str = "", sync_at: str = "", at_once: int = 5
) -> Model:
    return Model(name, family, async_at=async_at, sync_at=sync_at, per_image=Decimal(price), at_once=at_once)


def _video(name: str, **per_second: tuple[str, str]) -> Model:
    """``per_second``: by resolution (``p720``), the price silent and with sound."""
    prices = {
        (f"{resolution[1:]}P", sound): Decimal(both[sound])
        for resolution, both in per_second.items()
        for sound in (False, True)
    }
    return Model(name, Family.VIDEO, async_at=VIDEO, per_second=prices)


_ALL = 10**9
_MODELS: tuple[Model, ...] = (
    _text("qwen-flash", (_ALL, "0.15", "1.5", "")),
    _text("qwen3.5-flash", (_ALL, "0.2", "2", "")),
    _text("qwen-turbo", (_ALL, "0.3", "0.6", "")),
    _text("qwen-plus", (_ALL, "0.8", "2", "8")),
    _text("qwen3.5-plus", (_ALL, "0.8", "4.8", "")),
    _text("qwen3.6-plus", (_ALL, "2", "12", "")),
    _text("qwen-max", (_ALL, "2.4", "9.6", "")),
    _text("qwen3-max", (32_000, "2.5", "10", ""), (128_000, "4", "16", ""), (_ALL, "7", "28", "")),
    # Prices of the vision models are unconfirmed.
    _vision("qwen3-vl-plus", "1", "10"),
    _vision("qwen3-vl-flash", "0.15", "1.5"),
    _vision("qwen-vl-max", "1.6", "4"),
    _vision("qwen-vl-plus", "0.8", "2"),
    _images("wanx-background-generation-v2", Family.BACKGROUND, "0.08", async_at=BACKGROUND, at_once=1),
    _images("wanx2.1-imageedit", Family.IMAGE_EDIT, "0.14", async_at=IMAGE_TO_IMAGE, at_once=2),
    _images("wan2.5-i2i-preview", Family.WAN_EDIT, "0.20", async_at=IMAGE_TO_IMAGE),
    _images("image-out-painting", Family.OUT_PAINTING, "0.18", async_at=OUT_PAINTING),
    _images("wan2.5-t2i-preview", Family.TEXT_TO_IMAGE, "0.20", async_at=TEXT_TO_IMAGE),
    _images("wan2.2-t2i-plus", Family.TEXT_TO_IMAGE, "0.20", async_at=TEXT_TO_IMAGE),
    _images("wan2.2-t2i-flash", Family.TEXT_TO_IMAGE, "0.14", async_at=TEXT_TO_IMAGE),
    _images("wanx2.1-t2i-turbo", Family.TEXT_TO_IMAGE, "0.14", async_at=TEXT_TO_IMAGE),
    _images("wan2.6-t2i", Family.WAN_MESSAGES, "0.20", async_at=IMAGE_TASKS, sync_at=MULTIMODAL),
    _images("qwen-image-edit", Family.QWEN_IMAGE, "0.30", sync_at=MULTIMODAL),
    _images("qwen-image-edit-plus", Family.QWEN_IMAGE, "0.20", sync_at=MULTIMODAL),
    _images("qwen-image-edit-max", Family.QWEN_IMAGE, "0.50", sync_at=MULTIMODAL),
    _images("qwen-image-2.0", Family.QWEN_IMAGE, "0.20", sync_at=MULTIMODAL),
    _images("qwen-image-2.0-pro", Family.QWEN_IMAGE, "0.50", sync_at=MULTIMODAL),
    _video("wan2.6-i2v", p720=("0.6", "0.6"), p1080=("1.0", "1.0")),
    _video("wan2.6-i2v-flash", p720=("0.15", "0.3"), p1080=("0.25", "0.5")),
    _video("wan2.5-i2v-preview", p480=("0.3", "0.3"), p720=("0.6", "0.6"), p1080=("1.0", "1.0")),
)
MODELS: Mapping[str, Model] = {model.name: model for model in _MODELS}

_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|latest)$")


def find_model(models: Mapping[str, Model], name: str) -> Model | None:
    """The model of that name; a dated snapshot or "-latest" of a text or vision model is that model."""
    found = models.get(name)
    if found is not None:
        return found
    base = models.get(_SNAPSHOT.sub("", name))
    return base if base is not None and base.family in (Family.TEXT, Family.VISION) else None
