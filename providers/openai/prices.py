"""What a server of the OpenAI protocol charges, as ``OPENAI_PRICES`` says: nobody else knows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit

from providers.wire.prices import Price
from providers.wire.token_prices import TokenPrice, TokenStep
from skuflow.jobs.errors import InvalidInputError
from skuflow.settings import SettingsError

_SOURCE = "OPENAI_PRICES"
_READ_ON = date(2026, 11, 20)
_AMOUNT = r"\d+(?:\.\d+)?"
_EXAMPLE = "gpt-4o-mini=1.1/4.4;other=0/0 (CNY per million tokens read / written)"


def parse_prices(text: str) -> dict[str, TokenPrice]:
    """``MODEL=READ/WRITTEN;...``, CNY per million tokens. Raises SettingsError with what to write instead."""
    prices: dict[str, TokenPrice] = {}
    for item in filter(None, (piece.strip() for piece in text.split(";"))):
        model, _, amounts = (piece.strip() for piece in item.rpartition("="))
        found = re.fullmatch(rf"({_AMOUNT})\s*/\s*({_AMOUNT})", amounts)
        if not model or found is None:
            raise SettingsError(f"OPENAI_PRICES: {item!r} is no price; write for example {_EXAMPLE}")
        if model in prices:
            raise SettingsError(f"OPENAI_PRICES: {model!r} has two prices")
        prices[model] = _price(found[1], found[2])
    return prices


def price_for(model: str, prices: Mapping[str, TokenPrice], base_url: str) -> TokenPrice:
    """A model's price. Where no prices are set, a server on this machine is free. Raises InvalidInputError for every
    other model without a price.
    """
    price = prices.get(model)
    if price is not None:
        return price
    if not prices and _is_here(base_url):
        return _price("0", "0")
    known = f"; there are prices for {', '.join(prices)}" if prices else ""
    raise InvalidInputError(
        f"nobody knows what {model!r} costs, so caps and budget cannot hold; add it to OPENAI_PRICES, for example"
        f" {model}=1.1/4.4 (CNY per million tokens read / written; 0/0 where it is free){known}",
        "openai",
    )


def _price(read: str, written: str) -> TokenPrice:
    return TokenPrice(
        (
            TokenStep(
                Price(Decimal(read), "million input tokens", _SOURCE, _READ_ON, confirmed=False),
                Price(Decimal(written), "million output tokens", _SOURCE, _READ_ON, confirmed=False),
            ),
        )
    )


def _is_here(base_url: str) -> bool:
    """Whether the server is on this machine."""
    host = (urlsplit(base_url).hostname or "").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
