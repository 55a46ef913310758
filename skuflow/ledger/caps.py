"""How much may be generated and spent per calendar day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from skuflow.jobs.contract import MicroCNY

DEFAULT_UNITS_PER_DAY = 50
DEFAULT_BUDGET_MICRO = 50_000_000
DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class CapRule:
    """At most ``limit_per_day`` units of one capability at one provider; None: no limit."""

    provider: str
    capability: str
    limit_per_day: int | None


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be held and settled for jobs reserved on one day, all providers together; None: no limit."""

    limit_micro: MicroCNY | None = DEFAULT_BUDGET_MICRO


@dataclass(frozen=True, slots=True)
class Limits:
    """All of it. A paid provider without a rule gets ``default_per_day``, an unpaid one has no limit.

    Days begin at midnight in ``zone``; a job belongs to the day on which it was reserved.
    """

    rules: tuple[CapRule, ...] = ()
    budget: Budget = Budget()
    zone: ZoneInfo = DEFAULT_ZONE
    default_per_day: int | None = DEFAULT_UNITS_PER_DAY
    duplicate_guard: timedelta = timedelta()
    """How long one look's generations count against each other; zero: not at all."""

    def cap_for(self, provider: str, capability: str, *, paid: bool) -> int | None:
        for rule in self.rules:
            if (rule.provider, rule.capability) == (provider, capability):
                return rule.limit_per_day
        return self.default_per_day if paid else None

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def resets_at(self, day: date) -> datetime:
        """The first moment that no longer belongs to ``day``."""
        return datetime.combine(day + timedelta(days=1), time(), self.zone)
