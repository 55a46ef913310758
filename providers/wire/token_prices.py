"""Prices of language models: by token, in steps by the length of what is read."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from providers.wire.prices import Price
from skuflow.jobs.contract import MicroCNY


@dataclass(frozen=True, slots=True)
class TokenStep:
    """What a million tokens cost, read and written, while a request reads at most ``up_to_tokens`` (None: no end)."""

    read: Price
    written: Price
    up_to_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """One model's steps, shortest first."""

    steps: tuple[TokenStep, ...]

    @property
    def most_tokens(self) -> int | None:
        """The longest input that there is a price for; None: any."""
        return self.steps[-1].up_to_tokens

    def micro(self, read_tokens: int, written_tokens: int) -> MicroCNY:
        """What a call costs, in micro-CNY, rounded up. Beyond the last step its price goes on."""
        step = next(
            (s for s in self.steps if s.up_to_tokens is None or read_tokens <= s.up_to_tokens), self.steps[-1]
        )
        # A price for a million tokens in CNY is the price of one in millionths.
        exact = step.read.cny * read_tokens + step.written.cny * written_tokens
        return int(Decimal(exact).to_integral_value(ROUND_CEILING))


def tokens_most(text: str) -> int:
    """An upper bound of a text's tokens: a token is at least one byte of its UTF-8."""
    return len(text.encode())


def tokens_likely(text: str) -> int:
    """About how many tokens a text has: English has four characters a token, Chinese one and a half."""
    return (len(text) + 1) // 2


def tokens_least(text: str) -> int:
    """A token is seldom more than eight characters."""
    return len(text) // 8
