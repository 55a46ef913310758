"""Which of the ranked products get a video today: the best first, under the day's caps and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from flows.commands.allotment import CapKey
from flows.top_standing import NOTHING, Bar, Standing
from skuflow.insights.ranking import RankedProduct, Ranking
from skuflow.jobs.contract import MicroCNY
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.router import Offer
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.views import decimal_cny
from skuflow.listing.kit import Kit
from skuflow.review.wording import Wording


class Decision(StrEnum):
    """What is done about a product."""

    MAKE = "make"
    HAS_VIDEO = "has_video"
    DEFERRED = "deferred"
    PASSED_OVER = "passed_over"
    BELOW = "below"
    NOT_RANKED = "not_ranked"


PLACED = frozenset((Decision.MAKE, Decision.HAS_VIDEO, Decision.DEFERRED))
"""Decisions about products that hold one of the N places."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A product with what is done about it and why. ``estimate_micro``: what its video is held for at most, and
    ``likely_micro`` what it most likely costs; 0 where nothing is bought.
    """

    product: RankedProduct
    decision: Decision
    reason: Wording = NOTHING
    standing: Standing | None = None
    provider: str = ""
    estimate_micro: MicroCNY = 0
    likely_micro: MicroCNY = 0


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one picked video: ``state`` as of the part, and why it is not made. ``bought``: in this run.
    ``broken_off``: by an unforeseen error, so that nothing is known of the video.
    """

    sku: str
    state: OutcomeState
    reason: Wording
    kit: Kit | None = None
    bought: bool = False
    broken_off: bool = False


@dataclass(slots=True)
class DayRoom:
    """What caps and budget leave today; it shrinks as videos are picked. None: no limit."""

    cap_left: Callable[[str, str, bool], int | None]
    budget_left_micro: MicroCNY | None
    budget_limit_micro: MicroCNY | None = None
    _caps: dict[CapKey, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger) -> DayRoom:
        budget = ledger.budget_use()
        return cls(
            lambda provider, capability, paid: ledger.cap_use(provider, capability, paid=paid).left,
            budget.left_micro,
            budget.limit_micro,
        )

    def take(self, offers: Sequence[Offer]) -> Offer | Wording:
        """The first offer with room, whose units and money are then taken; else why there is none.

        As the router does it: a fallback takes over where a cap is used up, not where the budget is.
        """
        full: list[str] = []
        for offer in offers:
            provider, units = offer.provider, offer.request.units
            key = (provider.name, offer.request.capability.value, provider.paid)
            left = (
                self._caps.setdefault(key, self.cap_left(*key)) if key not in self._caps else self._caps[key]
            )
            if left is not None and left < units:
                full.append(provider.name)
                continue
            if self.budget_left_micro is not None:
                if offer.estimate_micro > self.budget_left_micro:
                    return self._no_money(offer.estimate_micro)
                # All of it: the videos are in work side by side, and each holds its estimate until it is settled.
                self.budget_left_micro -= offer.estimate_micro
            if left is not None:
                self._caps[key] = left - units
            return offer
        names = ", ".join(full)
        return Wording(
            f"deferred: today's cap for videos by {names} is used up; the next day goes on",
            f"延期：{names} 今日视频额度已用完，次日继续",
        )

    def _no_money(self, estimate_micro: MicroCNY) -> Wording:
        limit = self.budget_limit_micro
        if limit is None or estimate_micro <= limit:
            return _NO_MONEY
        most, day = decimal_cny(estimate_micro), decimal_cny(limit)
        return Wording(
            f"deferred: it may cost {most} CNY, more than the {day} CNY of a whole day; raise SKUFLOW_BUDGET",
            f"延期：最多需 {most} CNY，超过每日预算 {day} CNY；请调高 SKUFLOW_BUDGET",
        )


_NO_MONEY = Wording(
    "deferred: today's budget has no room for it; the next day goes on", "延期：今日预算不足，次日继续"
)


def pick(
    ranking: Ranking,
    standing_of: Callable[[str], Standing],
    room: DayRoom,
    *,
    top_n: int,
    least_return_ratio: float = 0.0,
) -> list[Pick]:
    """Give the ``top_n`` places to the best products that can have a video, in rank order. A product that has its
    video keeps its place, so running again gives no place to anybody else; one that can have none leaves it to the
    next. ``standing_of`` is asked only as far down as there are places.
    """
    picks: list[Pick] = []
    places = top_n
    for product in ranking.products:
        if product.rank is None or product.estimate is None:
            picks.append(Pick(product, Decision.NOT_RANKED))
        elif places == 0:
            picks.append(Pick(product, Decision.BELOW, _below(top_n)))
        elif product.estimate.return_ratio < least_return_ratio:
            picks.append(Pick(product, Decision.BELOW, _too_little(least_return_ratio)))
        else:
            found = _decided(product, standing_of(product.figures.sku), room)
            places -= found.decision in PLACED
            picks.append(found)
    return picks


def _decided(product: RankedProduct, standing: Standing, room: DayRoom) -> Pick:
    if standing.bar is Bar.HAS_VIDEO:
        return Pick(product, Decision.HAS_VIDEO, standing.reason, standing)
    if standing.work is None:
        return Pick(product, Decision.PASSED_OVER, standing.reason, standing)
    if not standing.work.offers:
        return Pick(product, Decision.MAKE, _FETCHED, standing)
    taken = room.take(standing.work.offers)
    if isinstance(taken, Wording):
        return Pick(product, Decision.DEFERRED, taken, standing)
    return Pick(
        product,
        Decision.MAKE,
        NOTHING,
        standing,
        provider=taken.provider.name,
        estimate_micro=taken.estimate_micro,
        likely_micro=taken.expected.likely,
    )


_FETCHED = Wording("paid for before; it is only fetched", "此前已付费，仅取回结果")


def _below(top_n: int) -> Wording:
    return Wording(f"below the first {top_n} that can have a video", f"未进入可制作视频的前 {top_n} 名")


def _too_little(least: float) -> Wording:
    return Wording(f"brings less than {least:g} for 1 spent", f"每花 1 所得不足 {least:g}")


def counted(picks: Sequence[Pick]) -> Mapping[Decision, int]:
    """How many picks there are of each decision, in the order of decisions."""
    return {decision: sum(one.decision is decision for one in picks) for decision in Decision}
