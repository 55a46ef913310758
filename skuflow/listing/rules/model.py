"""The shape of a marketplace's rule file, and what holds on a day.

Every limit is a list of dated statements, because sources disagree and rules change: each says how hard it
is, who says so, how well that is known, since when it holds and when it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from skuflow.listing.markets import markets, with_regions
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml

ValueT = TypeVar("ValueT")

Level = Literal["hard", "warn"]
"""hard: the marketplace refuses, or says it may; warn: it advises, or sources disagree."""


class Mark(StrEnum):
    """How well a statement is known."""

    PRIMARY = "V"
    """Read at the marketplace itself."""
    SECONDARY = "S"
    """Read in somebody's article or template."""
    MEMORY = "M"
    """Commonly said, no source read; confirm before relying on it."""
    HOUSE = "H"
    """No rule is known: our own limit."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Model):
    """Where a statement was read, and when (ISO date)."""

    title: str
    address: str | None = None
    read_on: date


class Limit(_Model, Generic[ValueT]):
    """One statement. ``source`` names an entry of the file's ``sources``; a house limit has none.

    It holds from ``effective_from`` up to and including ``effective_until``; unset means always. ``markets``
    restricts it to some, by code, and ``categories`` to some groups of products: there it stands in place of
    the statements of the same level that are for all.
    """

    value: ValueT
    level: Level
    mark: Mark
    source: str | None = None
    effective_from: date | None = None
    effective_until: date | None = None
    markets: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _sourced(self) -> Limit[ValueT]:
        if self.mark in (Mark.PRIMARY, Mark.SECONDARY) and self.source is None:
            raise ValueError("a limit marked V or S names its source")
        if self.effective_from and self.effective_until and self.effective_from > self.effective_until:
            raise ValueError("effective_from lies after effective_until")
        strangers = set(self.markets) - markets().keys()
        if strangers:
            raise ValueError(f"markets that do not exist: {sorted(strangers)}")
        return self

    def holds_on(self, day: date) -> bool:
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_until is None or day <= self.effective_until
        )


IntLimits = tuple[Limit[int], ...]
FloatLimits = tuple[Limit[float], ...]
BoolLimits = tuple[Limit[bool], ...]
CharacterLimits = tuple[Limit[str], ...]
NamesLimits = tuple[Limit[tuple[str, ...]], ...]


class TextRules(_Model):
    """Characters unless the name says bytes or words. The first block is what every marketplace must
    state.
    """

    title_max_chars: IntLimits = Field(min_length=1)
    title_min_chars: IntLimits = Field(min_length=1)
    bullets_max: IntLimits = Field(min_length=1)
    bullet_max_chars: IntLimits = Field(min_length=1)
    description_max_chars: IntLimits = Field(min_length=1)
    keywords_max: IntLimits = Field(min_length=1)

    keywords_max_bytes: IntLimits = ()
    title_forbidden_chars: CharacterLimits = ()
    word_repeat_max: IntLimits = ()
    description_min_chars: IntLimits = ()
    description_min_words: IntLimits = ()
    subtitle_max_chars: IntLimits = ()
    mobile_title_chars: IntLimits = ()
    mobile_description_chars: IntLimits = ()


class ImageUse(_Model):
    """A place for images. ``roles`` are the kit's image roles that may stand there; ratios are width /
    height.
    """

    roles: tuple[Literal["main", "scene", "detail", "comparison", "usage", "banner"], ...] = Field(
        min_length=1
    )
    categories: tuple[str, ...] = ()
    """Product groups the use is for; empty = all."""
    width_min_px: IntLimits = ()
    height_min_px: IntLimits = ()
    width_max_px: IntLimits = ()
    height_max_px: IntLimits = ()
    longest_min_px: IntLimits = ()
    longest_max_px: IntLimits = ()
    width_plus_height_max_px: IntLimits = ()
    pixels_max: IntLimits = ()
    ratio_min: FloatLimits = ()
    ratio_max: FloatLimits = ()
    bytes_max: IntLimits = ()
    formats: NamesLimits = ()
    white_background: BoolLimits = ()
    product_share_min_ratio: FloatLimits = ()
    text_allowed: BoolLimits = ()
    composite_allowed: BoolLimits = ()


class ListingRules(_Model):
    """How many images a whole listing has, the main image counted in; ``main_image_required``: one of them is that."""

    main_image_required: BoolLimits = ()
    images_advised: IntLimits = ()
    images_max: IntLimits = ()
    images_max_with_video: IntLimits = ()


class Shape(_Model):
    """A frame shape ("9:16") and its least size in pixels; ``sizes_px`` where only these are taken."""

    ratio: str = Field(pattern=r"^\d+:\d+$")
    width_min_px: int = 0
    height_min_px: int = 0
    sizes_px: tuple[tuple[int, int], ...] = ()

    @property
    def ratio_value(self) -> float:
        width, height = self.ratio.split(":")
        return int(width) / int(height)


class VideoUse(_Model):
    """A place for videos. ``bitrate_min_bps`` is of the whole file, ``audio_bitrate_min_bps`` of its sound alone, in
    bits per second.
    """

    shapes: tuple[Limit[tuple[Shape, ...]], ...] = ()
    duration_min_s: FloatLimits = ()
    duration_max_s: FloatLimits = ()
    fps_min: FloatLimits = ()
    fps_max: FloatLimits = ()
    codecs: NamesLimits = ()
    bytes_max: IntLimits = ()
    bitrate_min_bps: IntLimits = ()
    audio_bitrate_min_bps: IntLimits = ()
    height_max_px: IntLimits = ()
    formats: NamesLimits = ()


class MarketplaceRules(_Model):
    """One file of rules. Keys of ``images`` and ``videos`` are uses ("aliexpress.main", "tiktok_ads")."""

    marketplace: str
    name: str
    sources: dict[str, Source]
    text: TextRules
    images: dict[str, ImageUse]
    videos: dict[str, VideoUse] = Field(default_factory=dict)
    listing: ListingRules = ListingRules()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sources_exist(self) -> MarketplaceRules:
        for part in (self.text, self.listing, *self.images.values(), *self.videos.values()):
            for name in type(part).model_fields:
                for limit in getattr(part, name):
                    if (
                        isinstance(limit, Limit)
                        and limit.source is not None
                        and limit.source not in self.sources
                    ):
                        raise ValueError(f"{name}: source {limit.source!r} is not among the file's sources")
        return self


@cache
def all_rules() -> dict[str, MarketplaceRules]:
    """The rules of every marketplace by name. Raises ``PackagedDataError`` where a file is not as
    expected.
    """
    rules = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        try:
            read = MarketplaceRules.model_validate(read_yaml(path))
        except ValidationError as error:
            raise PackagedDataError(f"{path.name}: {error}") from error
        if read.marketplace != path.stem:
            raise PackagedDataError(f"{path.name}: holds the rules of {read.marketplace}")
        rules[read.marketplace] = read
    return rules


def holding(
    limits: Sequence[Limit[ValueT]],
    day: date,
    level: Level,
    *,
    market: str | None = None,
    category: str | None = None,
) -> tuple[Limit[ValueT], ...]:
    """The statements of ``level`` that hold on ``day`` for a market and a group of products (None: for all of them).

    What is said of the market or the group replaces what is said of all, and of the rest only the latest to come into
    force counts; sources that disagree stay side by side. Raises ``UnknownMarketError``.
    """
    places = with_regions(market) if market is not None else frozenset[str]()
    held = [
        limit
        for limit in limits
        if limit.level == level
        and limit.holds_on(day)
        and (not limit.markets or not places.isdisjoint(limit.markets))
        and (not limit.categories or category in limit.categories)
    ]
    held = [limit for limit in held if limit.markets] or held
    held = [limit for limit in held if limit.categories] or held
    latest = max((limit.effective_from or date.min for limit in held), default=date.min)
    return tuple(limit for limit in held if (limit.effective_from or date.min) == latest)


def in_force(
    limits: Sequence[Limit[ValueT]],
    day: date,
    level: Level = "hard",
    *,
    market: str | None = None,
    category: str | None = None,
) -> tuple[ValueT, ...]:
    """The values of ``holding``."""
    held = holding(limits, day, level, market=market, category=category)
    return tuple(limit.value for limit in held)
