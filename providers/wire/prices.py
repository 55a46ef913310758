"""What vendors ask for, as dated data with sources. Every adapter has one table; its page in the docs shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal

from skuflow.jobs.contract import MicroCNY


@dataclass(frozen=True, slots=True)
class Price:
    """``cny`` per ``per`` ("image", "second", "clip", "million input tokens", ...). ``confirmed``: read on the
    vendor's own page; otherwise reported by others.
    """

    cny: Decimal
    per: str
    source: str
    read_on: date
    confirmed: bool = True

    def micro(self, amount: Decimal | int = 1) -> MicroCNY:
        """The price of ``amount`` units, in micro-CNY, rounded up."""
        return int((self.cny * amount * 1_000_000).to_integral_value(ROUND_CEILING))


def micro_cny(amount: str | Decimal) -> MicroCNY:
    """A vendor's own figure in CNY as micro-CNY, rounded up. Raises decimal.InvalidOperation for no number."""
    return int((Decimal(amount) * 1_000_000).to_integral_value(ROUND_CEILING))
