"""The files that an image must have, so that marketplaces take it: made to fit instead of being turned away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from skuflow.listing.rules.judging import (
    COMPOSITE_ROLES,
    TEXT_ROLES,
    CompiledUse,
    ImageFacts,
    image_uses,
)
from skuflow.listing.rules.text import known_marketplaces, rules_of, today

SizePx = tuple[int, int]

_FORMATS = ("jpeg", "png", "webp")
"""What the studio can write, the preferred first."""
_USUAL_SIDES_PX = (1600, 1200, 1000, 800, 2000)
"""Sides of squares that are made where several sizes would do, the preferred first."""
_SAFE_BYTES_RATIO = 0.95
"""A megabyte is 1,000,000 bytes to some and 2^20 to others: 95 % of either lies below both."""


@dataclass(frozen=True, slots=True)
class WantedRendition:
    """One file to be made, in ``format`` and of at most ``max_bytes`` (None = no limit is known). ``uses`` are the
    places that it fits then, ``advised`` those of them whose advice it keeps as well.
    """

    width: int
    height: int
    format: str
    max_bytes: int | None
    uses: tuple[str, ...]
    advised: tuple[str, ...]

    @property
    def size_px(self) -> SizePx:
        return self.width, self.height


def wanted_renditions(
    marketplaces: Sequence[str],
    role: str,
    day: date | None = None,
    *,
    first_sizes_px: Iterable[SizePx] = (),
    advised: bool = True,
    market: str | None = None,
    category: str | None = None,
) -> tuple[WantedRendition, ...]:
    """The files of an image of ``role`` that open every place of ``marketplaces`` which takes such an image on ``day``
    (today).

    ``first_sizes_px`` are made anyway, in their order; sizes are added only for places that none of them opens and, if
    ``advised``, for those where none keeps the advice. Places that take no composites or no text are left out for
    roles that are that. ``category`` is the product's group ("apparel").
    Raises ``UnknownMarketplaceError`` and ``UnknownMarketError``.
    """
    names = {rules_of(name).marketplace for name in marketplaces}
    uses = [
        use
        for use in image_uses(day or today(), market, category)
        if use.marketplace in names and role in use.roles and _possible(use, role)
    ]
    made: list[SizePx] = list(dict.fromkeys(first_sizes_px))
    shut = [use for use in uses if not any(_keeps(use, size, role) for size in made)]
    _add_sizes(made, shut, role, advice=advised)
    _add_sizes(made, shut, role, advice=False)
    if advised:
        _add_sizes(made, uses, role, advice=True)
    return tuple(_described(size, uses, role) for size in made)


def most_bytes(
    role: str,
    size_px: SizePx,
    day: date | None = None,
    *,
    marketplaces: Sequence[str] | None = None,
    market: str | None = None,
    category: str | None = None,
) -> int | None:
    """The most bytes that a file of this role and size may have for every place it can stand in, of ``marketplaces``
    (None: of all); None where no place limits it. Raises as ``wanted_renditions`` does.
    """
    names = known_marketplaces() if marketplaces is None else marketplaces
    made = wanted_renditions(
        names, role, day, first_sizes_px=(size_px,), advised=False, market=market, category=category
    )
    return made[0].max_bytes


def _add_sizes(
    made: list[SizePx], uses: Sequence[CompiledUse[ImageFacts]], role: str, *, advice: bool
) -> None:
    """Add to ``made`` until each of ``uses`` is served, as far as any size can; what serves most comes first."""
    while missing := [
        use for use in uses if not any(_keeps(use, size, role, advice=advice) for size in made)
    ]:
        candidates = dict.fromkeys(size for use in missing for size in _candidates(use))
        served = {size: sum(_keeps(use, size, role, advice=advice) for use in missing) for size in candidates}
        best = max(candidates, key=lambda size: (served[size], *_preference(size)), default=None)
        if best is None or not served[best]:
            return
        made.append(best)


def _preference(size: SizePx) -> tuple[int, int]:
    """Usual squares before other sizes, and of those the smaller before the larger; more is better."""
    usual = size[0] == size[1] and size[0] in _USUAL_SIDES_PX
    return (len(_USUAL_SIDES_PX) - _USUAL_SIDES_PX.index(size[0]) if usual else 0), -size[0] * size[1]


def _described(size: SizePx, uses: Sequence[CompiledUse[ImageFacts]], role: str) -> WantedRendition:
    fitting = [use for use in uses if _keeps(use, size, role)]
    return WantedRendition(
        *size,
        format=_common_format(fitting),
        max_bytes=_max_bytes(fitting),
        uses=tuple(use.name for use in fitting),
        advised=tuple(use.name for use in fitting if _keeps(use, size, role, advice=True)),
    )


def _keeps(use: CompiledUse[ImageFacts], size: SizePx, role: str, *, advice: bool = False) -> bool:
    """Whether a file of this size, otherwise as the place wants it, would be taken."""
    facts = _ideal(use, size, role)
    return use.keeps_hard(facts) and (not advice or not use.breaches(facts))


def _ideal(use: CompiledUse[ImageFacts], size: SizePx, role: str) -> ImageFacts:
    return ImageFacts(
        width=size[0],
        height=size[1],
        size_bytes=0,
        format=_common_format((use,)),
        role=role,
        product_share_ratio=1.0,
        white_background=True,
        has_text=role in TEXT_ROLES,
        composite=role in COMPOSITE_ROLES,
    )


def _possible(use: CompiledUse[ImageFacts], role: str) -> bool:
    """Whether anything of this role can stand there: not where what it shows is refused in every size."""
    facts = _ideal(use, (1, 1), role)
    return not {b.field for b in use.breaches(facts) if b.hard} & {"text_allowed", "composite_allowed"}


def _values(use: CompiledUse[ImageFacts], field: str) -> list[Any]:
    return [limit.value for check, limit in (*use.hard, *use.advice) if check.field == field]


def _candidates(use: CompiledUse[ImageFacts]) -> Iterable[SizePx]:
    """Sizes that may do for a place: the usual squares, its least size, and its least size at its outer ratios."""
    least_width = max([*_values(use, "width_min_px"), 1])
    least_height = max([*_values(use, "height_min_px"), 1])
    longest = max([*_values(use, "longest_min_px"), 1])
    for side in (*_USUAL_SIDES_PX, max(least_width, least_height, longest)):
        yield side, side
    yield least_width, least_height
    for ratio in (*_values(use, "ratio_min"), *_values(use, "ratio_max")):
        height = max(least_height, -(-least_width // ratio), -(-longest // max(ratio, 1.0)))
        yield max(least_width, round(height * ratio)), int(height)


def _common_format(uses: Iterable[CompiledUse[ImageFacts]]) -> str:
    asked = [set(limit.value) for use in uses for check, limit in use.hard if check.field == "formats"]
    return next((name for name in _FORMATS if all(name in taken for taken in asked)), _FORMATS[0])


def _max_bytes(uses: Iterable[CompiledUse[ImageFacts]]) -> int | None:
    asked = [value for use in uses for value in _values(use, "bytes_max")]
    return int(min(asked) * _SAFE_BYTES_RATIO) if asked else None
