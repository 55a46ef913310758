"""The markets that listings are made for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.refusals import RefusalError

DEFAULT_LANGUAGES = ("en", "es", "fr", "pt", "ru", "de", "ja")
"""The languages of a kit where none are asked for, whatever its markets."""


class UnknownMarketError(RefusalError):
    """No market of that name; lists the codes."""


class Market(BaseModel):
    """A country (ISO 3166-1 alpha-2) or a region (EU, SEA) with its ``members``.

    ``languages`` are BCP 47, the most used first; ``marketplace`` is where copy goes when none is named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    code: str
    name_en: str = Field(alias="en")
    name_zh: str = Field(alias="zh")
    languages: tuple[str, ...] = Field(min_length=1)
    marketplace: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    also: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@cache
def markets() -> Mapping[str, Market]:
    """All markets by code. Raises ``PackagedDataError`` where markets.yaml is not as expected."""
    entries = read_yaml(Path(__file__).with_name("markets.yaml"))["markets"]
    try:
        found = {code: Market(code=code, **entry) for code, entry in entries.items()}
    except ValidationError as error:
        raise PackagedDataError(f"markets.yaml: {error}") from error
    strangers = {member for market in found.values() for member in market.members} - found.keys()
    if strangers:
        raise PackagedDataError(f"markets.yaml: members that are no markets: {sorted(strangers)}")
    return found


def find_market(name: str) -> Market | None:
    """The market called ``name``: a code in any case, or an English or Chinese name; None where there is
    none.
    """
    return _by_name().get(" ".join(name.split()).casefold())


def market(code: str) -> Market:
    """The market of ``code`` or name. Raises ``UnknownMarketError``, which lists the codes."""
    found = find_market(code)
    if found is None:
        raise UnknownMarketError(
            f"unknown market {code!r}; choose from: {', '.join(markets())}",
            message_zh=f"没有名为“{code}”的市场；可选：{'、'.join(markets())}",
        )
    return found


def languages_for(codes: Iterable[str]) -> tuple[str, ...]:
    """The languages of the markets in the order given, each once; ``DEFAULT_LANGUAGES`` where no market is
    given.

    Raises ``UnknownMarketError``.
    """
    languages = dict.fromkeys(language for code in codes for language in market(code).languages)
    return tuple(languages) or DEFAULT_LANGUAGES


def with_regions(code: str) -> frozenset[str]:
    """The market and the regions that it belongs to, as codes: ES gives ES and EU."""
    own = market(code).code
    return frozenset({own, *(region.code for region in markets().values() if own in region.members)})


@cache
def _by_name() -> Mapping[str, Market]:
    names: dict[str, Market] = {}
    for found in markets().values():
        for name in (found.code, found.name_en, found.name_zh, *found.also):
            names.setdefault(name.casefold(), found)
    return names
