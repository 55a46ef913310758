"""The text limits that copy is written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from skuflow.listing.rules.model import IntLimits, MarketplaceRules, all_rules, in_force
from skuflow.refusals import RefusalError


class UnknownMarketplaceError(RefusalError):
    """No rules for a marketplace of that name; lists the choices."""


@dataclass(frozen=True, slots=True)
class TextLimits:
    """What a marketplace takes. Lengths in characters (code points) with spaces; None = no such limit.

    ``title_forbidden_chars`` may not stand in a title; a word may stand ``word_repeat_max`` times in it.
    """

    title_max_chars: int
    title_min_chars: int
    bullets_max: int
    bullet_max_chars: int
    description_max_chars: int
    keywords_max_bytes: int | None
    keywords_max: int
    title_forbidden_chars: str
    word_repeat_max: int | None


def known_marketplaces() -> tuple[str, ...]:
    """The names of all marketplaces that there are rules for."""
    return tuple(all_rules())


def rules_of(marketplace: str) -> MarketplaceRules:
    """Raises ``UnknownMarketplaceError``."""
    rules = all_rules().get(marketplace)
    if rules is None:
        raise UnknownMarketplaceError(
            f"unknown marketplace {marketplace!r}; choose from: {', '.join(all_rules())}",
            message_zh=f"没有名为“{marketplace}”的平台；可选：{'、'.join(all_rules())}",
        )
    return rules


def text_limits(marketplace: str, *, on: date | None = None, market: str | None = None) -> TextLimits:
    """The hard limits of ``marketplace`` on the day ``on`` (today by default); where only advice is known,
    the advice. ``market`` is a code where limits of one market are meant.

    Raises ``UnknownMarketplaceError`` and ``UnknownMarketError``.
    """
    text = rules_of(marketplace).text
    day = on or today()
    return TextLimits(
        title_max_chars=_least(text.title_max_chars, day, market),
        title_min_chars=max(_values(text.title_min_chars, day, market)),
        bullets_max=_least(text.bullets_max, day, market),
        bullet_max_chars=_least(text.bullet_max_chars, day, market),
        description_max_chars=_least(text.description_max_chars, day, market),
        keywords_max_bytes=min(_values(text.keywords_max_bytes, day, market), default=None),
        keywords_max=_least(text.keywords_max, day, market),
        title_forbidden_chars="".join(
            dict.fromkeys("".join(in_force(text.title_forbidden_chars, day, market=market)))
        ),
        word_repeat_max=min(_values(text.word_repeat_max, day, market), default=None),
    )


def today() -> date:
    return datetime.now(UTC).date()


def _values(limits: IntLimits, day: date, market: str | None) -> tuple[int, ...]:
    return in_force(limits, day, market=market) or in_force(limits, day, "warn", market=market)


def _least(limits: IntLimits, day: date, market: str | None) -> int:
    return min(_values(limits, day, market))
