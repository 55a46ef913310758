"""Who is asked, who takes over, and who does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from skuflow.jobs.contract import Capability, JobHandle, JobState, JobStatus, Provider, Request, Slot
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    ProviderError,
    RateLimitedError,
    TransientError,
)
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.jobs.router import Router
from skuflow.jobs.routes import RouteError, candidates, parse_routes
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.rows import RowState
from tests.money import image_wish, product
from tests.unit.test_runner import Desk, Vendor

SCENE = Slot("MUG-1", "image:scene")


class Named(Vendor):
    """A scripted vendor of another name."""

    def __init__(self, name: str, **script: Any) -> None:
        super().__init__(**script)
        self.name = name
        self.asked: list[Request] = []

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        self.asked.append(request)
        handle = await super().submit(request, idempotency_key=idempotency_key)
        return replace(handle, provider=self.name)


def plainer(request: Request) -> Request | None:
    return replace(request, prompt="plain")  # type: ignore[call-arg]


class Shop:
    """A router over two vendors, with a ledger behind it."""

    def __init__(self, folder: Path, first: Named, second: Named, **ledger: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.vendors = {vendor.name: vendor for vendor in (first, second)}
        self.desk = Desk(folder, **ledger)
        self.router = Router(
            self.desk.runner(provider_named=self.vendors.get),
            provider_named=self._named,
            standing=lambda capability: tuple(self.vendors),
            rewritten=plainer,
        )

    def _named(self, name: str) -> Provider:
        return self.vendors[name]

    async def make(self, **options: Any) -> Outcome:
        return await self.router.make(image_wish(), **options)


UNREACHABLE = [TransientError("no connection")]


@pytest.mark.parametrize(
    "trouble", [TransientError("down"), InsufficientBalanceError("empty")], ids=["outage", "balance"]
)
async def test_a_fallback_takes_over_what_was_not_accepted(tmp_path: Path, trouble: ProviderError) -> None:
    first, second = Named("one", submit=[trouble]), Named("two")
    outcome = await Shop(tmp_path, first, second).make()
    assert outcome.state is OutcomeState.MADE
    assert outcome.made_job.provider == "two"
    assert len(second.submits) == 1


async def test_an_exhausted_cap_leads_to_the_fallback(tmp_path: Path) -> None:
    limits = Limits(rules=(CapRule("one", "image", 0),), budget=Budget(None))
    first, second = Named("one"), Named("two")
    outcome = await Shop(tmp_path, first, second, limits=limits).make()
    assert outcome.made_job.provider == "two"
    assert first.submits == []


async def test_the_budget_is_everybodys_so_nobody_takes_over(tmp_path: Path) -> None:
    first, second = Named("one"), Named("two")
    outcome = await Shop(tmp_path, first, second, limits=Limits(budget=Budget(1))).make()
    assert outcome.reason is not None
    assert outcome.reason.code == "BUDGET_REACHED"
    assert (first.submits, second.submits) == ([], [])


@pytest.mark.parametrize(
    "trouble",
    [AuthError("key"), AmbiguousSubmitError("lost"), RateLimitedError("slow", retry_after_s=9999)],
    ids=["auth", "doubt", "throttled"],
)
async def test_nobody_takes_over_a_wrong_key_a_doubt_or_a_busy_vendor(
    tmp_path: Path, trouble: ProviderError
) -> None:
    first, second = Named("one", submit=[trouble]), Named("two")
    outcome = await Shop(tmp_path, first, second).make()
    assert outcome.state is not OutcomeState.MADE
    assert second.submits == []


async def test_a_job_in_work_elsewhere_is_collected_there_and_not_bought_again(tmp_path: Path) -> None:
    first, second = Named("one", submit=UNREACHABLE), Named("two", poll=[TransientError("down")])
    shop = Shop(tmp_path, first, second)
    assert (await shop.make()).state is OutcomeState.WAITING
    assert shop.desk.row().state is RowState.SUBMITTED
    first._script["submit"] = [JobHandle("one", "acme-1", "v1")]
    second._script["poll"] = [Vendor()._next("poll")]
    outcome = await shop.make()
    assert outcome.made_job.provider == "two"
    assert len(first.submits) == 2, "the two of the first run, which were not accepted"


async def test_rejected_content_is_asked_for_once_more_in_plainer_words_and_never_elsewhere(
    tmp_path: Path,
) -> None:
    no = ContentRejectedError("not this")
    first, second = Named("one", submit=[no, JobHandle("one", "acme-1", "v2")]), Named("two")
    outcome = await Shop(tmp_path, first, second).make()
    assert outcome.state is OutcomeState.MADE
    assert [request.rewritten for request in first.asked] == [False, True]
    assert first.asked[1].prompt == "plain"  # type: ignore[attr-defined]
    assert second.submits == []


async def test_content_that_is_rejected_twice_is_left_to_a_person(tmp_path: Path) -> None:
    first, second = Named("one", submit=[ContentRejectedError("not this")]), Named("two")
    shop = Shop(tmp_path, first, second)
    for _ in range(3):
        outcome = await shop.make()
        assert outcome.state is OutcomeState.FAILED
        assert outcome.reason is not None
        assert outcome.reason.code == "CONTENT_REJECTED"
    assert len(first.submits) == 2
    assert second.submits == []


async def test_content_rejected_at_the_end_is_rewritten_too_unless_it_was_charged(tmp_path: Path) -> None:
    def failed(charged: bool) -> JobStatus:
        return JobStatus(JobState.FAILED, "failed", error=ContentRejectedError("seen"), charged=charged)

    free = Named("one", poll=[failed(False), Vendor()._next("poll")])
    assert (await Shop(tmp_path / "a", free, Named("two")).make()).state is OutcomeState.MADE
    paid = Named("one", poll=[failed(True), Vendor()._next("poll")])
    outcome = await Shop(tmp_path / "b", paid, Named("two")).make()
    assert outcome.state is OutcomeState.FAILED
    assert len(paid.submits) == 1


async def test_a_remake_of_rejected_content_is_rewritten_too(tmp_path: Path) -> None:
    good = JobHandle("one", "acme-1", "v1")
    first = Named("one", submit=[good, ContentRejectedError("no"), replace(good, job_id="v3")])
    shop = Shop(tmp_path, first, Named("two"))
    await shop.make()
    outcome = await shop.make(remake=True, known=shop.desk.row())
    assert outcome.made_job.vendor_job_id == "v3"


async def test_when_all_fall_out_the_answer_names_them_all_and_waits(tmp_path: Path) -> None:
    first = Named("one", submit=[InsufficientBalanceError("one is empty")])
    second = Named("two", submit=[TransientError("two is down")])
    outcome = await Shop(tmp_path, first, second).make()
    assert outcome.state is OutcomeState.WAITING
    assert outcome.reason is not None
    assert "one is empty" in outcome.reason.sentence
    assert "two is down" in outcome.reason.sentence


async def test_who_cannot_do_it_is_passed_over_and_if_nobody_can_the_reason_is_told(tmp_path: Path) -> None:
    cannot: list[Any] = [InvalidInputError("one makes no mugs")]
    first, second = Named("one", estimate=cannot), Named("two")
    assert (await Shop(tmp_path / "a", first, second).make()).made_job.provider == "two"
    outcome = await Shop(tmp_path / "b", first, Named("two", estimate=cannot)).make()
    assert outcome.reason is not None
    assert (outcome.reason.code, outcome.reason.sentence) == ("INVALID_INPUT", "one makes no mugs")


async def test_a_vendor_that_is_down_is_soon_not_asked_at_all(tmp_path: Path) -> None:
    first, second = Named("one", submit=UNREACHABLE), Named("two")
    shop = Shop(tmp_path, first, second)
    for number in range(6):
        outcome = await shop.router.make(image_wish(shot=number + 1))
        assert outcome.made_job.provider == "two"
    assert len(first.submits) == 4, "four in a row, then the breaker is open"
    shop.desk.clock.turn(seconds=31)
    await shop.router.make(image_wish(shot=9))
    assert len(first.submits) > 4, "a trial after a while"


def test_rules_prefer_others_in_their_order() -> None:
    rules = parse_routes(
        "image[value>=500]=jimeng, ark; image[type=scene]=wanx; video[type=atmosphere]=hailuo"
    )
    cheap, dear = product(price=Decimal("20")), product(price=Decimal("500"))
    assert candidates(SCENE, cheap, rules, ("wanx2",)) == ("wanx", "wanx2")
    assert candidates(SCENE, dear, rules, ("wanx2", "ark")) == ("jimeng", "ark", "wanx2")
    assert candidates(Slot("A", "video"), dear, rules, ("kling",)) == ("kling",)
    assert candidates(Slot("A", "video:atmosphere"), dear, rules, ("kling",)) == ("hailuo", "kling")


def test_rules_know_kinds_and_markets_and_that_no_price_is_no_value() -> None:
    rules = parse_routes("image[kind=mug,market=US]=jimeng;image[value<10]=ark")
    american = product(kind="mug", target_markets=("US", "DE"))
    assert candidates(SCENE, american, rules, ("wanx",)) == ("jimeng", "wanx")
    assert candidates(SCENE, product(kind="mug"), rules, ("wanx",)) == ("wanx",)


@pytest.mark.parametrize(
    "text",
    [
        "image=jimeng",
        "image[value>=x]=jimeng",
        "photo[type=scene]=a",
        "image[type>scene]=a",
        "image[]=a",
        "image[kind=a]=,",
    ],
)
def test_a_rule_that_cannot_be_read_is_quoted(text: str) -> None:
    with pytest.raises(RouteError) as caught:
        parse_routes(text)
    assert "\n" not in str(caught.value)


def test_every_capability_can_be_routed() -> None:
    made: Callable[[str], Any] = parse_routes
    for capability in Capability:
        assert made(f"{capability}[type=x]=a")[0].capability is capability
