"""Has a request made by the preferred provider, or by a fallback where that is allowed.

A fallback takes over on an outage, an exhausted cap or an empty balance: always before anything was accepted. It never
takes over a job that may be owed, and never content that was rejected: that is asked for once more in plainer words, at
the same provider, and is then left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from skuflow.catalog.product import Product
from skuflow.jobs.contract import Capability, Expected, Expecting, MicroCNY, Provider, Request, Slot
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError
from skuflow.jobs.outcome import Outcome, OutcomeState, Reason
from skuflow.jobs.routes import RouteRule, candidates
from skuflow.jobs.runner import Runner
from skuflow.ledger.rows import JobRow, RowState

FALLS_BACK = frozenset(("CAP_REACHED", "BALANCE_EMPTY", "VENDOR_UNAVAILABLE", "CIRCUIT_OPEN"))
"""The reasons for which the next provider is asked."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that can do a request, with the request as it would be asked and the most that it can cost."""

    provider: Provider
    request: Request
    estimate_micro: MicroCNY

    @property
    def expected(self) -> Expected:
        """What it costs when nothing goes wrong."""
        if isinstance(self.provider, Expecting):
            return self.provider.expected(self.request)
        return Expected(self.estimate_micro, self.estimate_micro)


class Router:
    """Chooses providers for requests.

    ``provider_named`` gives a provider by name; ``standing`` the providers of a capability, preferred first;
    ``model_for`` the model that is set for a provider and capability, empty: its default; ``rewritten`` the same wish
    in plainer words, None where there is no other way to say it.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        provider_named: Callable[[str], Provider],
        standing: Callable[[Capability], Sequence[str]],
        rules: Sequence[RouteRule] = (),
        model_for: Callable[[str, Capability], str] = lambda provider, capability: "",
        rewritten: Callable[[Request], Request | None] = lambda request: None,
    ) -> None:
        self._runner = runner
        self._provider_named = provider_named
        self._standing = standing
        self._rules = rules
        self._model_for = model_for
        self._rewritten = rewritten

    def names(self, slot: Slot, product: Product) -> tuple[str, ...]:
        """The providers for a slot, preferred first."""
        return candidates(slot, product, self._rules, self._standing(slot.capability))

    def offers(self, request: Request) -> tuple[Offer, ...]:
        """Those of them that can do the request, in the same order.

        Raises InvalidInputError, with the preferred provider's reason, where none can.
        """
        found: list[Offer] = []
        refusal: InvalidInputError | None = None
        for name in self.names(request.slot, request.product):
            provider = self._provider_named(name)
            model = self._model_for(name, request.capability)
            asked = replace(request, model=model) if model else request
            try:
                found.append(Offer(provider, asked, provider.estimate(asked)))
            except InvalidInputError as error:
                refusal = refusal or error
        if not found:
            raise refusal or InvalidInputError(
                f"no provider is named for {request.capability}; name one in SKUFLOW_PROVIDERS"
            )
        return tuple(found)

    async def make(self, request: Request, *, remake: bool = False, known: JobRow | None = None) -> Outcome:
        """Fill the request's slot, as ``Runner.run`` does, by the first provider that can.

        The outcome of the preferred provider is the answer where all fall out; its sentence then names them all.
        """
        try:
            offers = self.offers(request)
        except InvalidInputError as error:
            return Outcome(OutcomeState.FAILED, Reason(_code(error), error.message), known, reused=True)
        outcomes: list[Outcome] = []
        for offer in offers:
            outcome = await self._ask(offer, remake=remake, known=known)
            outcomes.append(outcome)
            if not _may_fall_back(outcome):
                return outcome
            known = known if remake else outcome.job or known
        return _altogether(outcomes)

    async def _ask(self, offer: Offer, *, remake: bool, known: JobRow | None) -> Outcome:
        outcome = await self._runner.run(offer.request, offer.provider, remake=remake, known=known)
        if outcome.reason is None or outcome.reason.code != "CONTENT_REJECTED" or outcome.job is None:
            return outcome
        plainer = self._rewritten(offer.request)
        if plainer is None or outcome.job.rewritten or outcome.job.provider != offer.provider.name:
            return outcome
        return await self._runner.run(
            replace(plainer, rewritten=True),
            offer.provider,
            remake=remake,
            known=known if remake else outcome.job,
        )


def _code(error: InvalidInputError) -> str:
    return NEEDS_VENDOR if error.code == NEEDS_VENDOR else "INVALID_INPUT"


def _may_fall_back(outcome: Outcome) -> bool:
    if outcome.state is OutcomeState.MADE or outcome.reason is None:
        return False
    row = outcome.job
    owed = row is not None and (row.state.is_live or row.state is RowState.IN_DOUBT)
    return outcome.reason.code in FALLS_BACK and not owed


def _altogether(outcomes: Sequence[Outcome]) -> Outcome:
    """One answer for several that all fell out: it waits if any of them may still do it later."""
    if len(outcomes) == 1:
        return outcomes[0]
    waiting = [outcome for outcome in outcomes if outcome.state is OutcomeState.WAITING]
    answer = (waiting or list(outcomes))[0]
    moments: list[datetime] = [o.resume_after for o in waiting if o.resume_after is not None]
    sentences = dict.fromkeys(outcome.reason.sentence for outcome in outcomes if outcome.reason)
    code = answer.reason.code if answer.reason else ""
    return replace(
        answer,
        reason=Reason(code, "; ".join(sentences)),
        resume_after=min(moments) if moments else answer.resume_after,
    )
