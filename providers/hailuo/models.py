"""What MiniMax sells for video, and what it asks for: models, resolutions, lengths, list prices.

v1 models are sold by the clip and make 6 or 10 s only; MiniMax-H3 (v2) is sold by the second. The prices were read in
surveys of the price page, not on the page itself. MiniMax-H3-Max is left out: no price of it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from providers.wire.prices import Price
from skuflow.jobs.contract import MicroCNY
from skuflow.jobs.errors import InvalidInputError

DEFAULT_MODEL: Final = "MiniMax-H3"

_READ_ON = date(2026, 11, 20)
_SURVEYS = "surveys of MiniMax's price page (platform.minimaxi.com), 2026-10"
_LIKE_2_3 = "not on the pages read; taken to be those of MiniMax-Hailuo-2.3"


@dataclass(frozen=True, slots=True)
class Model:
    """``clips``: the price of every (resolution, seconds) that it makes, the first being the default (v1).
    ``seconds``: the price of a second by resolution (v2). One of the two is empty.
    """

    name: str
    clips: Mapping[tuple[str, int], Price]
    seconds: Mapping[str, Price]
    prompt_chars: int
    min_picture_px: int
    from_text: bool = True

    @property
    def is_v2(self) -> bool:
        return bool(self.seconds)

    @property
    def resolutions(self) -> tuple[str, ...]:
        return tuple(self.seconds) or tuple(dict.fromkeys(resolution for resolution, _ in self.clips))


@dataclass(frozen=True, slots=True)
class Choice:
    """A model in one resolution; ``name`` is what the ledger calls it, such as "MiniMax-H3@2K"."""

    model: Model
    resolution: str

    @property
    def name(self) -> str:
        is_default = self.resolution == self.model.resolutions[0]
        return self.model.name if is_default else f"{self.model.name}@{self.resolution}"

    def length_s(self, wanted_s: float) -> int:
        """The shortest length that is not below the wish. Raises InvalidInputError where there is none."""
        lengths_s = (
            _FOUR_TO_FIFTEEN
            if self.model.is_v2
            else tuple(length_s for resolution, length_s in self.model.clips if resolution == self.resolution)
        )
        for length_s in lengths_s:
            if length_s >= wanted_s - 1e-6:
                return length_s
        raise InvalidInputError(
            f"{self.name} makes at most {lengths_s[-1]} s; {wanted_s:g} s were asked for", "hailuo"
        )

    def price(self, length_s: int) -> MicroCNY:
        if self.model.is_v2:
            return self.price_of_seconds(length_s)
        return self.model.clips[(self.resolution, length_s)].micro()

    def price_of_seconds(self, seconds: Decimal | int) -> MicroCNY:
        """What so many seconds cost (v2 only)."""
        return self.model.seconds[self.resolution].micro(seconds)


_FOUR_TO_FIFTEEN = tuple(range(4, 16))


def _clips(source: str, **prices: str) -> Mapping[tuple[str, int], Price]:
    """Prices by names such as ``p768_6``."""
    table = {}
    for name, cny in prices.items():
        resolution, _, seconds = name.removeprefix("p").partition("_")
        table[(f"{resolution}P", int(seconds))] = Price(
            Decimal(cny), "clip", source, _READ_ON, confirmed=False
        )
    return table


def _v1(name: str, clips: Mapping[tuple[str, int], Price], *, from_text: bool = True) -> Model:
    # "Short side above 300 px".
    return Model(name, clips, {}, prompt_chars=2000, min_picture_px=301, from_text=from_text)


MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            "MiniMax-H3",
            {},
            {
                "768P": Price(Decimal("0.50"), "second", _SURVEYS, _READ_ON, confirmed=False),
                "2K": Price(Decimal("0.80"), "second", _SURVEYS, _READ_ON, confirmed=False),
            },
            prompt_chars=7000,
            min_picture_px=256,
        ),
        _v1("MiniMax-Hailuo-2.3", _clips(_SURVEYS, p768_6="2.0", p768_10="4.0", p1080_6="3.5")),
        _v1(
            "MiniMax-Hailuo-2.3-Fast",
            _clips(_SURVEYS, p768_6="1.35", p768_10="2.25", p1080_6="2.31"),
            from_text=False,
        ),
        _v1("MiniMax-Hailuo-02", _clips(_LIKE_2_3, p768_6="2.0", p768_10="4.0", p1080_6="3.5")),
    )
}


def choose(wanted: str, resolution: str = "") -> Choice:
    """The model called ``wanted``, which may bear its resolution ("MiniMax-H3@2K"); ``resolution`` wins over that.

    Raises InvalidInputError, which lists the choices.
    """
    name, _, suffix = wanted.partition("@")
    model = MODELS.get(name)
    if model is None:
        raise InvalidInputError(f"hailuo has no model {wanted!r}; it has {', '.join(MODELS)}", "hailuo")
    asked = (resolution or suffix or model.resolutions[0]).upper()
    if asked not in model.resolutions:
        raise InvalidInputError(
            f"{name} has no resolution {asked!r}; it has {', '.join(model.resolutions)}", "hailuo"
        )
    return Choice(model, asked)


def choice_of_job(model_name: str) -> Choice | None:
    """The choice that a job was submitted with; None for a model that is not (or no longer) in the table."""
    try:
        return choose(model_name)
    except InvalidInputError:
        return None
