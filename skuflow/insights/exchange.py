"""Dated exchange rates, as a person entered them: none is built in, since a made-up rate ranks products wrongly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

BASE = "CNY"
"""Rates say how much of it one unit of the other currency is."""


class RateError(Exception):
    """A rate that cannot be used as written, or one that is missing; one line."""


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """From ``day`` on, one unit of ``currency`` (ISO 4217) is ``cny`` CNY."""

    currency: str
    day: date
    cny: Decimal


@dataclass(frozen=True, slots=True)
class ExchangeRates:
    """The known rates of every currency, oldest first."""

    by_currency: Mapping[str, tuple[ExchangeRate, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rates: Iterable[ExchangeRate]) -> ExchangeRates:
        table: dict[str, list[ExchangeRate]] = {}
        for rate in sorted(rates, key=lambda rate: rate.day):
            table.setdefault(rate.currency, []).append(rate)
        return cls({currency: tuple(dated) for currency, dated in table.items()})

    def to_cny(self, amount: Decimal, currency: str, day: date | None) -> Decimal:
        """``amount`` in CNY by the newest rate of that day or before; of all days where ``day`` is None.

        Raises RateError where there is none: an older or newer one would be a guess.
        """
        if currency == BASE:
            return amount
        known = [rate for rate in self.by_currency.get(currency, ()) if day is None or rate.day <= day]
        if not known:
            when = "" if day is None else f" of {day} or before"
            raise RateError(
                f"there is no exchange rate for {currency}{when}; add one to SKUFLOW_EXCHANGE_RATES,"
                f" such as {currency}@{day or '2026-11-01'}=7.12"
            )
        return amount * known[-1].cny


def parse_rate(name: str, value: str) -> ExchangeRate:
    """One rate of SKUFLOW_EXCHANGE_RATES: ``USD@2026-11-01`` and ``7.12``. Raises RateError."""
    currency, at, day = name.partition("@")
    try:
        rate = Decimal(value)
        if not (at and re.fullmatch(r"[A-Z]{3}", currency) and rate.is_finite() and rate > 0):
            raise ValueError
        return ExchangeRate(currency, date.fromisoformat(day), rate)
    except (ValueError, InvalidOperation):
        raise RateError(f"{name}={value} is no dated rate; write for example USD@2026-11-01=7.12") from None
