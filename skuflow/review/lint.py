"""One kit against the marketplaces' rules of a day. Files are not opened: kit.json says what they are.

Four things are looked for, per marketplace that the kit is meant for: a part that no place of it takes; advice that is
not kept; a place for videos that stays empty; and a listing with too few, too many or no main image. Of all other
marketplaces only what is lost is told: a place that a file fitted when it was made, or fits today, and no longer does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from skuflow.catalog.kinds import kinds
from skuflow.jobs.contract import DEFAULT_MARKETPLACE, ImageTask
from skuflow.listing.kit import ImageRole, Kit, KitCopy, KitImage, KitVideo, Rendition
from skuflow.listing.markets import find_market
from skuflow.listing.rules.check import image_facts, video_facts
from skuflow.listing.rules.copy_checks import TextFacts, text_use
from skuflow.listing.rules.judging import (
    Breach,
    CompiledUse,
    ImageFacts,
    ListingFacts,
    VideoFacts,
    image_uses,
    listing_rules,
    video_uses,
)
from skuflow.listing.rules.model import all_rules

FactsT = TypeVar("FactsT")

_LISTED = (".main", ".secondary")
"""Places whose images stand in the listing itself, and not in an advertisement or a banner."""


class Kind(StrEnum):
    """What a breach means for the kit."""

    REFUSED = "refused"
    """The part cannot stand where the kit needs it."""
    ADVICE = "advice"
    """The part is taken; the marketplace advises otherwise, or sources disagree."""
    GAP = "gap"
    """A place that nothing of the kit fills; the rest of the kit is none the worse."""
    LOST = "lost"
    """A place that the part fitted when it was made, or fits today, and does not fit on the day."""


@dataclass(frozen=True, slots=True)
class LintBreach:
    """A rule that a part of a kit does not keep. ``part`` is empty for the listing as a whole, ``file`` for copy."""

    part: str
    file: str
    kind: Kind
    breach: Breach

    @property
    def hard(self) -> bool:
        """Whether the marketplace would refuse it."""
        return self.breach.hard and self.kind in (Kind.REFUSED, Kind.LOST)

    @property
    def absent(self) -> bool:
        """Whether the kit has nothing of the kind at all, so that no single limit is what is broken."""
        return self.kind is Kind.GAP and not self.file

    @property
    def rule(self) -> str:
        """Such as "amazon.main.longest_min_px"; the place alone where nothing is there to be measured."""
        return self.breach.use if self.absent else self.breach.rule

    @property
    def identity(self) -> tuple[str, str, Kind]:
        """Equal for the same rule and part on two days, whatever figure the rule has."""
        return self.part, self.rule, self.kind


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: the rules of ``day`` against those of ``base``, for ``marketplaces`` (empty: those that each
    kit is meant for) and with the limits of ``market`` where one is named.
    """

    day: date
    base: date
    marketplaces: tuple[str, ...] = ()
    market: str | None = None


def marketplaces_of_market(code: str) -> tuple[str, ...]:
    """The marketplaces that a market's listings go to, and those with limits of its own. Raises UnknownMarketError."""
    from skuflow.listing.markets import market, markets, with_regions

    own = with_regions(code)
    named = {market(code).marketplace, *(markets()[region].marketplace for region in own)}
    return tuple(
        name for name, rules in all_rules().items() if name in named or not own.isdisjoint(_markets_in(rules))
    )


def _markets_in(rules: Any) -> frozenset[str]:
    parts = (rules.text, rules.listing, *rules.images.values(), *rules.videos.values())
    limits = (limit for part in parts for name in type(part).model_fields for limit in getattr(part, name))
    return frozenset(market for limit in limits for market in getattr(limit, "markets", ()))


def meant_for(kit: Kit) -> tuple[str, ...]:
    """The marketplaces that a kit's copy was written for; without copy those of its target markets, and without these
    the one that runs are for where nobody says otherwise.
    """
    named = [copy.marketplace for copy in kit.copy_]
    if not named:
        found = (find_market(code) for code in kit.product.target_markets)
        named = [market.marketplace for market in found if market is not None] or [DEFAULT_MARKETPLACE]
    return tuple(name for name in dict.fromkeys(named) if name in all_rules())


def category_of(kit: Kit) -> str | None:
    """The product's group, such as "apparel"; None where its kind is unknown."""
    kind = kinds().get(kit.product.kind or "")
    return None if kind is None else kind.group


def lint_kit(kit: Kit, scope: Scope, *, on: date | None = None) -> tuple[LintBreach, ...]:
    """What ``kit`` does not keep on ``on`` (the scope's day)."""
    day = on or scope.day
    rules = _Rules(day, scope.market, category_of(kit))
    aimed = scope.marketplaces or meant_for(kit)
    found = [breach for name in aimed for breach in _of_marketplace(kit, name, rules, aimed)]
    if not scope.marketplaces:
        found.extend(_lost(kit, frozenset(aimed), rules, _Rules(scope.base, scope.market, rules.category)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Rules:
    day: date
    market: str | None
    category: str | None

    def images(self) -> tuple[CompiledUse[ImageFacts], ...]:
        return image_uses(self.day, self.market, self.category)

    def videos(self) -> tuple[CompiledUse[VideoFacts], ...]:
        return video_uses(self.day, self.market, self.category)


def _of_marketplace(kit: Kit, marketplace: str, rules: _Rules, aimed: Sequence[str]) -> Iterator[LintBreach]:
    uses = [use for use in rules.images() if use.marketplace == marketplace]
    shown = refused = 0
    for image in _sellable(kit):
        told, fitting = _best(_facts_by_file(image), _places(uses, image, marketplace), image.id)
        yield from told
        shown += fitting is not None and fitting.name.endswith(_LISTED)
        refused += any(found.kind is Kind.REFUSED for found in told)
    if uses:
        yield from _empty_places(kit, uses)
        yield from _listing(kit, marketplace, rules, shown, refused)
    yield from _videos(kit, marketplace, rules, aimed)
    yield from _copy(kit, marketplace, rules)


def _places(
    uses: Sequence[CompiledUse[ImageFacts]], image: KitImage, marketplace: str
) -> list[CompiledUse[ImageFacts]]:
    """Where the image may stand; the main image must be good for the main place itself."""
    places = [use for use in uses if image.role.value in use.roles]
    first = [use for use in places if use.name == f"{marketplace}.main"]
    return first if image.role is ImageRole.MAIN and first else places


def _opens(use: CompiledUse[ImageFacts], image: KitImage) -> bool:
    return any(use.keeps_hard(facts) for _, facts in _facts_by_file(image))


def _best(
    files: Sequence[tuple[str, FactsT]], places: Sequence[CompiledUse[FactsT]], part: str
) -> tuple[list[LintBreach], CompiledUse[FactsT] | None]:
    """What is to be said of the file and place that go together best, and that place where the file is taken there.
    Places in the listing itself come before others that take it too.
    """
    chosen: tuple[tuple[int, bool, int], str, CompiledUse[FactsT], tuple[Breach, ...]] | None = None
    for use in places:
        for file, facts in files:
            breaches = use.breaches(facts)
            apart = not use.name.endswith(_LISTED)
            badness = sum(breach.hard for breach in breaches), apart, len(breaches)
            if chosen is None or badness < chosen[0]:
                chosen = badness, file, use, breaches
            if not breaches and not apart:
                return [], use
    if chosen is None:
        return [], None
    (hard, _, _), file, use, breaches = chosen
    told = [
        LintBreach(part, file, Kind.REFUSED if hard and breach.hard else Kind.ADVICE, breach)
        for breach in breaches
    ]
    return told, None if hard else use


def _empty_places(kit: Kit, uses: Sequence[CompiledUse[ImageFacts]]) -> Iterator[LintBreach]:
    """Places beside the listing, such as a banner, that have images of their role and yet none that fits."""
    for use in uses:
        fit_to_try = [image for image in _sellable(kit) if image.role.value in use.roles]
        if use.name.endswith(_LISTED) or any(_opens(use, image) for image in fit_to_try):
            continue
        told = (_best(_facts_by_file(image), [use], image.id)[0] for image in fit_to_try)
        nearest: list[LintBreach] = min(told, key=len, default=[])
        yield from (
            LintBreach(found.part, found.file, Kind.GAP, found.breach)
            for found in nearest
            if found.breach.hard
        )


def _listing(kit: Kit, marketplace: str, rules: _Rules, shown: int, refused: int) -> Iterator[LintBreach]:
    listing = listing_rules(marketplace, rules.day, rules.market, rules.category)
    mains = sum(image.role is ImageRole.MAIN for image in _sellable(kit))
    for breach in listing.breaches(ListingFacts(shown, mains, bool(kit.videos))):
        if breach.field == "images_advised" and shown + refused >= breach.limit.value:
            # Mending what is refused gives images enough.
            continue
        yield LintBreach("", "", Kind.REFUSED if breach.hard else Kind.ADVICE, breach)


def _videos(kit: Kit, marketplace: str, rules: _Rules, aimed: Sequence[str]) -> Iterator[LintBreach]:
    """A video is refused where none of the kit's marketplaces has a place for it; else places that it does not fit are
    gaps, since it was made for another.
    """
    uses = [use for use in rules.videos() if use.marketplace == marketplace]
    elsewhere = [use for use in rules.videos() if use.marketplace in aimed]
    clips = [(video, _video_facts(video)) for video in kit.videos]
    useful = [clip for clip in clips if any(use.keeps_hard(clip[1]) for use in elsewhere)]
    for video, facts in clips if uses else ():
        if (video, facts) not in useful:
            yield from _best([(video.file, facts)], uses, video.id)[0]
    for use in uses:
        taken = next((clip for clip in useful if use.keeps_hard(clip[1])), None)
        if taken is not None:
            yield from _best([(taken[0].file, taken[1])], [use], taken[0].id)[0]
        elif not clips:
            yield from _absent(use, "video")
        elif useful:
            nearest = min(useful, key=lambda clip: len(use.breaches(clip[1])))
            yield from (
                LintBreach(nearest[0].id, nearest[0].file, Kind.GAP, breach)
                for breach in use.breaches(nearest[1])
                if breach.hard
            )


def _absent(use: CompiledUse[Any], part: str) -> Iterator[LintBreach]:
    """The gap where the kit has nothing of the kind at all; the first limit stands for all."""
    for check, limit in (*use.hard, *use.advice)[:1]:
        yield LintBreach(part, "", Kind.GAP, Breach(use.marketplace, use.name, check.field, None, limit))


def _copy(kit: Kit, marketplace: str, rules: _Rules) -> Iterator[LintBreach]:
    texts = [copy for copy in kit.copy_ if copy.marketplace == marketplace]
    use = text_use(marketplace, rules.day, rules.market, rules.category)
    if not texts:
        yield from _absent(use, "copy")
    for copy in texts:
        for breach in use.breaches(_text_facts(copy, kit.product.brand)):
            yield LintBreach(copy.part, "", Kind.REFUSED if breach.hard else Kind.ADVICE, breach)


def _lost(kit: Kit, aimed: frozenset[str], rules: _Rules, base: _Rules) -> Iterator[LintBreach]:
    """Places of other marketplaces that were open to a file and are shut on the day."""
    if not rules.images():
        return
    before_images = {use.name: use for use in base.images()}
    for image in _sellable(kit):
        recorded = {name for rendition in image.renditions for name in rendition.fits}
        for use in rules.images():
            before = before_images.get(use.name)
            changed = before is not None and before.hard != use.hard
            if use.marketplace in aimed or image.role.value not in use.roles:
                continue
            if use.name not in recorded and not (changed and before is not None and _opens(before, image)):
                continue
            if not _opens(use, image):
                told, _ = _best(_facts_by_file(image), [use], image.id)
                yield from _as_lost(told)
    before_videos = {use.name: use for use in base.videos()}
    for video in kit.videos:
        facts = _video_facts(video)
        for clip_use in rules.videos():
            earlier = before_videos.get(clip_use.name)
            fitted = clip_use.name in video.fits or (earlier is not None and earlier.keeps_hard(facts))
            if clip_use.marketplace not in aimed and fitted and not clip_use.keeps_hard(facts):
                told, _ = _best([(video.file, facts)], [clip_use], video.id)
                yield from _as_lost(told)


def _as_lost(told: Iterable[LintBreach]) -> Iterator[LintBreach]:
    return (
        LintBreach(found.part, found.file, Kind.LOST, found.breach) for found in told if found.breach.hard
    )


def _sellable(kit: Kit) -> Iterator[KitImage]:
    """The images that may be shown as the product: a concept never is."""
    return (image for image in kit.images if image.content_type != ImageTask.CONCEPT and image.renditions)


def _facts_by_file(image: KitImage) -> list[tuple[str, ImageFacts]]:
    return [(rendition.file, _image_facts(image, rendition)) for rendition in image.renditions]


def _image_facts(image: KitImage, rendition: Rendition) -> ImageFacts:
    white = image.scores.get("white_border_ratio")
    return image_facts(
        width=rendition.width,
        height=rendition.height,
        size_bytes=rendition.bytes,
        format=rendition.format,
        role=image.role.value,
        product_share_ratio=image.scores.get("product_share_ratio"),
        white_background=None if white is None else white >= 1.0,
    )


def _video_facts(video: KitVideo) -> VideoFacts:
    return video_facts(
        width=video.width,
        height=video.height,
        duration_s=video.duration_s,
        fps=video.fps,
        codec=video.codec,
        size_bytes=video.bytes,
    )


def _text_facts(copy: KitCopy, brand: str) -> TextFacts:
    return TextFacts(copy.title, copy.bullets, copy.description, copy.keywords, copy.language, brand)


@cache
def same_rules(scope: Scope, category: str | None) -> bool:
    """Whether both days of a scope have the same rules, so that one look does for both."""
    day, base = (_Rules(on, scope.market, category) for on in (scope.day, scope.base))
    names = scope.marketplaces or tuple(all_rules())
    return (
        day.images() == base.images()
        and day.videos() == base.videos()
        and all(
            table(name, scope.day, scope.market, category) == table(name, scope.base, scope.market, category)
            for name in names
            for table in (text_use, listing_rules)
        )
    )
