"""How much DashScope lets through, counted by account. Source: Model Studio "Rate limits" page.

The text models' figures are those of the international page; mainland ones are unconfirmed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from providers.emulators.core.timing import RateWindow, Timing
from providers.emulators.dashscope.errors import Refusal
from providers.emulators.dashscope.models import Model

_MINUTE_S = 60.0


class Limits:
    """Rate windows in vendor time. ``queries_per_s`` holds for querying, listing and canceling, each on its own."""

    def __init__(self, timing: Timing, queries_per_s: int, policies_per_s: int) -> None:
        self._timing = timing
        self._submits: dict[tuple[str, str], RateWindow] = {}
        self._tokens: dict[tuple[str, str], deque[tuple[float, int]]] = {}
        self._queries = {
            name: RateWindow(timing, queries_per_s, 1.0) for name in ("query", "list", "cancel")
        } | {"policy": RateWindow(timing, policies_per_s, 1.0)}

    def check_submit(self, model: Model, account: str) -> None:
        """Raises Refusal (429) where one more request for the model is too many."""
        if model.submits_per_s is not None:
            self._pass(f"{model.name} second", model.submits_per_s, 1.0, account, "Throttling.RateQuota")
        if model.requests_per_minute is not None:
            burst = max(1, model.requests_per_minute // 60)
            self._pass(f"{model.name} second", burst, 1.0, account, "Throttling.BurstRate")
            self._pass(
                f"{model.name} minute", model.requests_per_minute, _MINUTE_S, account, "Throttling.RateQuota"
            )

    def check_tokens(self, model: Model, account: str, tokens: int) -> None:
        """Raises Refusal (429) where so many more tokens are too many for this minute."""
        if model.tokens_per_minute is None:
            return
        used = self._tokens.setdefault((model.name, account), deque())
        now_s = self._timing.now_s()
        while used and now_s - used[0][0] >= _MINUTE_S:
            used.popleft()
        if used and sum(count for _, count in used) + tokens > model.tokens_per_minute:
            raise Refusal("Throttling.AllocationQuota")
        used.append((now_s, tokens))

    def check_query(self, name: str, account: str) -> None:
        """``name``: "query", "list", "cancel" or "policy". Raises Refusal (429)."""
        if not self._queries[name].allow(account):
            raise Refusal("Throttling.RateQuota")

    def _pass(self, name: str, limit: int, per_s: float, account: str, code: str) -> None:
        window = self._submits.get((name, account))
        if window is None:
            window = self._submits[(name, account)] = RateWindow(self._timing, limit, per_s)
        if not window.allow(account):
            raise Refusal(code)


def unlimited(model: Model) -> Model:
    """The model without any limit of rate; tasks still wait for their turn."""
    return replace(model, submits_per_s=None, requests_per_minute=None, tokens_per_minute=None)
