"""What Qwen's models cost.

Model Studio, page "model-pricing", mainland, read 2026-11-20: CNY per million tokens, lowest step, without thinking.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from providers.wire.prices import Price
from providers.wire.token_prices import TokenPrice, TokenStep

_SOURCE = "Aliyun Model Studio: model-pricing"
_READ_ON = date(2026, 11, 20)
_LOWEST_STEP_TOKENS = 32_000
"""The end of the lowest step is confirmed for qwen3-max only. What reads more than this has no price here, and is
refused: no listing comes near it."""


def _row(amount: str, per: str, *, confirmed: bool = True) -> Price:
    return Price(Decimal(amount), per, _SOURCE, _READ_ON, confirmed)


def _step(
    read: str, written: str, up_to_tokens: int = _LOWEST_STEP_TOKENS, *, confirmed: bool = True
) -> TokenStep:
    return TokenStep(
        _row(read, "million input tokens", confirmed=confirmed),
        _row(written, "million output tokens", confirmed=confirmed),
        up_to_tokens,
    )


TEXT_PRICES: dict[str, TokenPrice] = {
    "qwen-plus": TokenPrice((_step("0.8", "2"),)),
    "qwen-flash": TokenPrice((_step("0.15", "1.5"),)),
    "qwen-turbo": TokenPrice((_step("0.3", "0.6"),)),
    "qwen-max": TokenPrice((_step("2.4", "9.6"),)),
    "qwen3-max": TokenPrice(
        (_step("2.5", "10"), _step("4", "16", 128_000), _step("7", "28", 252_000)),
    ),
    "qwen3.5-flash": TokenPrice((_step("0.2", "2"),)),
    "qwen3.5-plus": TokenPrice((_step("0.8", "4.8"),)),
    "qwen3.6-plus": TokenPrice((_step("2", "12"),)),
}
"""Models that write copy and check it."""

VISION_PRICES: dict[str, TokenPrice] = {
    "qwen3-vl-plus": TokenPrice((_step("1", "10", confirmed=False),)),
    "qwen3-vl-flash": TokenPrice((_step("0.15", "1.5", confirmed=False),)),
}
"""Models that look at pictures. Their prices are unconfirmed; correct them here once a bill has shown them."""

_SNAPSHOT = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|latest)\Z")


def price_of(table: dict[str, TokenPrice], model: str) -> TokenPrice | None:
    """The price of a model or of one of its dated snapshots ("qwen-plus-2025-12-01"), which cost what it costs."""
    return table.get(model) or table.get(_SNAPSHOT.sub("", model))
