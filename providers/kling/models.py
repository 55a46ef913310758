"""What Kling sells for video, and what it asks for: models, resolutions, lengths, list prices.

One video unit is 1 CNY. The prices were read in surveys of Kling's price page, not on the page itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from providers.wire.prices import Price
from skuflow.jobs.contract import MicroCNY
from skuflow.jobs.errors import InvalidInputError

DEFAULT_MODEL: Final = "kling-3.0"
DEFAULT_SIGNED_MODEL: Final = "kling-v2-6"
"""For an access key without an API key: tokens are documented for the legacy endpoints only."""


class Generation(Enum):
    """Kling's two interfaces, which live side by side."""

    NEW = "new"
    LEGACY = "legacy"


@dataclass(frozen=True, slots=True)
class Offer:
    """One resolution of a model. ``mode`` is its name in the legacy interface, empty where none is sent."""

    price: Price
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """``version`` is what Kling counts parallel jobs by, over both generations. ``lengths_s``: the lengths that it
    makes, ascending. ``from_text``: without a first frame too. ``has_switches``: whether it takes ``audio`` and
    ``multi_shot`` (new) or ``multi_shot`` (legacy).
    """

    name: str
    version: str
    generation: Generation
    offers: Mapping[str, Offer]
    lengths_s: tuple[int, ...]
    prompt_chars: int = 2500
    from_text: bool = True
    has_switches: bool = False

    def length_s(self, wanted_s: float) -> int:
        """The shortest length that is not below the wish. Raises InvalidInputError where there is none."""
        for length_s in self.lengths_s:
            if length_s >= wanted_s - 1e-6:
                return length_s
        raise InvalidInputError(
            f"{self.name} makes at most {self.lengths_s[-1]} s; {math.ceil(wanted_s)} s were asked for",
            "kling",
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """A model in one resolution; ``name`` is what the ledger calls it, such as "kling-3.0@1080p"."""

    model: Model
    resolution: str

    @property
    def name(self) -> str:
        if self.resolution == next(iter(self.model.offers)):
            return self.model.name
        return f"{self.model.name}@{self.resolution}"

    @property
    def offer(self) -> Offer:
        return self.model.offers[self.resolution]

    def price(self, length_s: int) -> MicroCNY:
        return self.offer.price.micro(length_s)


_READ_ON = date(2026, 11, 20)
_SURVEYS = "surveys of Kling's price page (klingai.com/document-api, pricing, video), 2026-07 to 2026-10"
_OLD_LIST = "Kling's unit list of 2025 as commonly quoted; not on the pages read"


def _price(cny_per_s: str, source: str = _SURVEYS) -> Price:
    return Price(Decimal(cny_per_s), "second", source, _READ_ON, confirmed=False)


def _legacy(
    name: str,
    version: str,
    std: str,
    pro: str,
    *,
    most_quality: str = "",
    source: str = _SURVEYS,
    lengths_s: tuple[int, ...] = (5, 10),
    from_text: bool = True,
    has_switches: bool = False,
) -> Model:
    offers = {"720p": Offer(_price(std, source), "std"), "1080p": Offer(_price(pro, source), "pro")}
    if most_quality:
        offers["4k"] = Offer(_price(most_quality, source), "4k")
    return Model(
        name, version, Generation.LEGACY, offers, lengths_s, from_text=from_text, has_switches=has_switches
    )


_THREE_TO_FIFTEEN = tuple(range(3, 16))

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            "kling-3.0",
            "3.0",
            Generation.NEW,
            {"720p": Offer(_price("0.6")), "1080p": Offer(_price("0.8")), "4k": Offer(_price("3"))},
            _THREE_TO_FIFTEEN,
            has_switches=True,
        ),
        # Always priced "with audio"; a text-to-video page of it was not read.
        Model(
            "kling-3.0-turbo",
            "3.0-turbo",
            Generation.NEW,
            {"720p": Offer(_price("0.8")), "1080p": Offer(_price("1.0"))},
            _THREE_TO_FIFTEEN,
            from_text=False,
        ),
        _legacy(
            "kling-v3", "3.0", "0.6", "0.8", most_quality="3", lengths_s=_THREE_TO_FIFTEEN, has_switches=True
        ),
        _legacy("kling-v2-6", "2.6", "0.3", "0.5"),
        _legacy("kling-v2-5-turbo", "2.5-turbo", "0.3", "0.5"),
        _legacy("kling-v2-1", "2.1", "0.4", "0.7", source=_OLD_LIST, from_text=False),
        _legacy("kling-v1-6", "1.6", "0.4", "0.7", source=_OLD_LIST),
        _legacy("kling-v1-5", "1.5", "0.4", "0.7", source=_OLD_LIST, from_text=False),
        _legacy("kling-v1", "1.0", "0.2", "0.7", source=_OLD_LIST),
        # One quality each, so no mode is sent.
        Model(
            "kling-v2-1-master",
            "2.1-master",
            Generation.LEGACY,
            {"1080p": Offer(_price("2", _OLD_LIST))},
            (5, 10),
        ),
        Model(
            "kling-v2-master",
            "2.0-master",
            Generation.LEGACY,
            {"720p": Offer(_price("2", _OLD_LIST))},
            (5, 10),
        ),
    )
}


def choose(wanted: str, resolution: str = "") -> Choice:
    """The model called ``wanted``, which may bear its resolution ("kling-3.0@1080p"); ``resolution`` wins over that.

    Raises InvalidInputError, which lists the choices.
    """
    name, _, suffix = wanted.partition("@")
    model = MODELS.get(name)
    if model is None:
        raise InvalidInputError(f"kling has no model {wanted!r}; it has {', '.join(MODELS)}", "kling")
    asked = (resolution or suffix or next(iter(model.offers))).lower()
    if asked not in model.offers:
        raise InvalidInputError(
            f"{name} has no resolution {asked!r}; it has {', '.join(model.offers)}", "kling"
        )
    return Choice(model, asked)


def generation_of(model_name: str) -> Generation | None:
    """The interface that a job of this model lives in; None for a model that is not (or no longer) in the table."""
    model = MODELS.get(model_name.partition("@")[0])
    return None if model is None else model.generation
