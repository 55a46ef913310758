"""Visual styles: what they look like, whom they suit, and which ones a product gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from skuflow.catalog.kinds import Kind, kinds
from skuflow.listing.findings import Finding, Severity
from skuflow.listing.markets import market as market_named
from skuflow.listing.markets import with_regions
from skuflow.listing.packaged_yaml import PackagedDataError, read_yaml
from skuflow.refusals import RefusalError

Evidence = Literal["claim", "judgement"]


class UnknownStyleError(RefusalError):
    """No style of that name; lists the choices."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MarketLike(_Model):
    """A style goes down well; ``claim`` = an AliExpress image tool says so, unverified; ``judgement`` = ours."""

    evidence: Evidence


class MarketDislike(_Model):
    """A style does not suit a market, why, and the style to take ``instead``."""

    evidence: Evidence
    reason_en: str
    reason_zh: str
    instead: str
    measured: str | None = None


class Style(_Model):
    """One style. ``scene`` is the id of the plates that show it; styles of one ``family`` look alike to a
    shopper.

    ``studio``: nothing in the scene tells the product's size, so that products of every size fit. ``surface``
    is what products stand on. The prompts describe the surroundings only. ``likes`` and ``dislikes`` are
    keyed by market code.
    """

    id: str
    name_en: str = Field(alias="en")
    name_zh: str = Field(alias="zh")
    also: tuple[str, ...] = ()
    scene: str
    family: str
    studio: bool = False
    surface: Literal["table", "ground"] = "table"
    mood: tuple[str, ...]
    kinds: tuple[str, ...]
    groups: tuple[str, ...]
    prompt_en: str
    prompt_zh: str
    likes: dict[str, MarketLike] = Field(default_factory=dict)
    dislikes: dict[str, MarketDislike] = Field(default_factory=dict)

    def dislike_of(self, market: str) -> MarketDislike | None:
        """Why the style does not suit ``market`` or a region it belongs to, None where it does."""
        regions = with_regions(market)
        return next((dislike for code, dislike in self.dislikes.items() if code in regions), None)


@cache
def _styles() -> Mapping[str, Style]:
    entries = read_yaml(Path(__file__).with_name("styles.yaml"))["styles"]
    try:
        styles = {name: Style(id=name, **entry) for name, entry in entries.items()}
    except ValidationError as error:
        raise PackagedDataError(f"styles.yaml: {error}") from error
    for style in styles.values():
        strangers = set(style.kinds) - kinds().keys()
        strangers |= {dislike.instead for dislike in style.dislikes.values()} - styles.keys()
        if strangers:
            raise PackagedDataError(f"styles.yaml: {style.id} names {sorted(strangers)}, which do not exist")
        for code in (*style.likes, *style.dislikes):
            market_named(code)
    return styles


def all_styles() -> tuple[Style, ...]:
    """All styles. Raises ``PackagedDataError`` where styles.yaml is not as expected."""
    return tuple(_styles().values())


def find_style(name: str) -> Style | None:
    """The style called ``name``: its id in any spelling, its English or Chinese name, or another name of
    it.
    """
    return _by_name().get(_key(name))


def style(name: str) -> Style:
    """The style called ``name``. Raises ``UnknownStyleError``, which lists the choices."""
    found = find_style(name)
    if found is None:
        choices = ", ".join(f"{choice.id} ({choice.name_zh})" for choice in all_styles())
        choices_zh = "、".join(f"{choice.id}（{choice.name_zh}）" for choice in all_styles())
        raise UnknownStyleError(
            f"unknown style {name!r}; choose from: {choices}",
            message_zh=f"没有名为“{name}”的风格；可选：{choices_zh}",
        )
    return found


def choose_styles(
    kind: str | None,
    markets: Iterable[str],
    *,
    count: int = 3,
    wanted: str | None = None,
    fits: Callable[[Style], bool],
    shows_well: Callable[[Style], bool] = lambda _: True,
) -> tuple[Style, ...]:
    """``count`` styles for a product of ``kind`` sold in ``markets``, best first; the same answer for the
    same question.

    The wanted style comes first, even where it does not fit or suit (the caller reports that). The others
    pass ``fits``, which says whether the product's true size fits the scene. Rooms in which it would be small
    (``shows_well`` is false) come after the other rooms; a studio set takes no room's place for that. No two
    share a family while another suitable family is left; styles that none of the markets would take to come
    only when nothing else is left. A product of unknown kind, and so of unknown size and use, gets studio
    styles; one that stands on the floor is not put on a table. Fewer than ``count`` come only where all
    styles are used up.

    Raises ``UnknownStyleError``, ``UnknownMarketError``, ``KeyError`` for a kind that does not exist.
    """
    codes = tuple(dict.fromkeys(market_named(code).code for code in markets))
    product_kind = None if kind is None else kinds()[kind]
    chosen = [style(wanted)] if wanted else []
    ranked = sorted(all_styles(), key=lambda candidate: -_suitability(candidate, product_kind, codes))
    welcome = [candidate for candidate in ranked if not _unwelcome(candidate, codes)]
    suitable = [candidate for candidate in welcome if candidate.studio or _suits(candidate, product_kind)]
    for pool in (suitable, welcome):
        fitting = [candidate for candidate in pool if fits(candidate)]
        rooms = iter(sorted((c for c in fitting if not c.studio), key=lambda c: not shows_well(c)))
        ordered = [candidate if candidate.studio else next(rooms) for candidate in fitting]
        _take(chosen, ordered, count, new_families_only=True)
        _take(chosen, ordered, count, new_families_only=False)
    _take(chosen, [candidate for candidate in ranked if candidate.studio], count, new_families_only=False)
    _take(chosen, ranked, count, new_families_only=False)
    return tuple(chosen[: max(count, 0)])


def market_style_finding(style: Style, market: str, kind: str | None = None) -> Finding | None:
    """A warning where the style does not suit the market, naming those to take instead; None where it does.

    The first is what the styles' data advises; the others are the best of a product of ``kind`` there. Raises
    ``UnknownMarketError``, ``KeyError`` for a kind that does not exist.
    """
    dislike = style.dislike_of(market)
    if dislike is None:
        return None
    place, instead = market_named(market), _styles()[dislike.instead]
    others = [
        other
        for other in choose_styles(kind, (place.code,), count=_ALTERNATIVES + 1, fits=lambda _: True)
        if other not in (style, instead) and other.dislike_of(place.code) is None
    ][: _ALTERNATIVES - 1]
    also_en = "".join(f", or {other.id} ({other.name_en})" for other in others)
    also_zh = "".join(f"，或“{other.name_zh}”（{other.id}）" for other in others)
    return Finding(
        code="MARKET_STYLE_MISMATCH",
        severity=Severity.WARNING,
        subject=f"style {style.id}, market {place.code}",
        message=f"{style.name_en} does not suit {place.name_en}: {dislike.reason_en}; "
        f"take {instead.id} ({instead.name_en}) instead{also_en}",
        message_zh=f"“{style.name_zh}”风格不适合{place.name_zh}市场：{dislike.reason_zh}；"
        f"建议改用“{instead.name_zh}”（{instead.id}）{also_zh}",
        measured=dislike.measured,
    )


_ALTERNATIVES = 3


def _take(chosen: list[Style], pool: Iterable[Style], count: int, *, new_families_only: bool) -> None:
    for candidate in pool:
        if len(chosen) >= count:
            return
        families = {style.family for style in chosen}
        if candidate not in chosen and not (new_families_only and candidate.family in families):
            chosen.append(candidate)


def _suits(style: Style, kind: Kind | None) -> bool:
    if kind is None or (kind.stands_on == "floor" and style.surface == "table"):
        return False
    return kind.id in style.kinds or kind.group in style.groups


# A kind that a style names counts more than its group. What a market likes, by somebody's figures, moves a style to
# the front among those that suit the product.
_KIND_POINTS = 3.0
_KIND_RANK_POINTS = 0.12
_GROUP_POINTS = 1.0
_LIKE_POINTS = {"claim": 3.0, "judgement": 0.8}
_DISLIKE_POINTS = 3.0


def _suitability(style: Style, kind: Kind | None, markets: tuple[str, ...]) -> float:
    points = 0.0
    if kind is not None:
        if kind.id in style.kinds:
            points += _KIND_POINTS - _KIND_RANK_POINTS * style.kinds.index(kind.id)
        if kind.group in style.groups:
            points += _GROUP_POINTS
    for code in markets:
        regions = with_regions(code)
        liked = [_LIKE_POINTS[style.likes[region].evidence] for region in regions & style.likes.keys()]
        points += max(liked, default=0.0) / len(markets)
        points -= _DISLIKE_POINTS / len(markets) * bool(style.dislikes.keys() & regions)
    return points


def _unwelcome(style: Style, markets: tuple[str, ...]) -> bool:
    return bool(markets) and all(style.dislike_of(code) is not None for code in markets)


@cache
def _by_name() -> Mapping[str, Style]:
    names: dict[str, Style] = {}
    for candidate in all_styles():
        for name in (candidate.id, candidate.name_en, candidate.name_zh, candidate.scene, *candidate.also):
            names.setdefault(_key(name), candidate)
    return names


def _key(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())
