"""A whole library of kits against the rules of a day: findings, sums, and what changes until then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from skuflow.listing.kit import Kit, KitStatus
from skuflow.listing.rules.model import Limit, all_rules
from skuflow.listing.rules.values import figure
from skuflow.review.lint import Kind, LintBreach, Scope, category_of, lint_kit, same_rules
from skuflow.review.lint_fixes import FIX_WORDS, Fix, Mending, mending
from skuflow.review.lint_wording import measured_text, sentence
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectStore, StorageError

CODES = {
    Kind.REFUSED: "RULE_REFUSED",
    Kind.ADVICE: "RULE_ADVICE",
    Kind.GAP: "RULE_GAP",
    Kind.LOST: "RULE_LOST",
}
UNREADABLE = "KIT_UNREADABLE"
_UNFINISHED = frozenset((KitStatus.BLOCKED, KitStatus.REJECTED))
"""Kits that nobody lists: there is nothing in them, or a person turned them down."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """A broken rule of a SKU's kit. ``new``: it is not broken under the rules of the scope's base day."""

    sku: str
    found: LintBreach
    new: bool
    mending: Mending

    @property
    def code(self) -> str:
        return CODES[self.found.kind]

    def as_json(self) -> dict[str, object]:
        breach, words = self.found.breach, sentence(self.found)
        limit = breach.limit
        source = all_rules()[breach.marketplace].sources.get(limit.source or "")
        fix = FIX_WORDS[self.mending.fix]
        return {
            "code": self.code,
            "severity": "error" if self.found.hard else "warning",
            "sku": self.sku,
            "part": self.found.part,
            "file": self.found.file,
            "marketplace": breach.marketplace,
            "rule": self.found.rule,
            "measured": measured_text(breach),
            "limit": None if self.found.absent else figure(breach.field, limit.value),
            "level": limit.level,
            "mark": limit.mark.value,
            "source": source.title if source else None,
            "source_address": source.address if source else None,
            "read_on": source.read_on.isoformat() if source else None,
            "since": _day(limit.effective_from),
            "until": _day(limit.effective_until),
            "new": self.new,
            "message": words.en,
            "message_zh": words.zh,
            "fix": self.mending.fix.value,
            "remedy": fix.en,
            "remedy_zh": fix.zh,
        }


@dataclass(frozen=True, slots=True)
class RuleKey:
    """What findings are summed up by."""

    code: str
    rule: str
    limit: Limit[Any]
    marketplace: str
    severity: str
    limit_text: str


@dataclass(slots=True)
class RuleSum:
    """How much breaks one rule. ``parts`` counts images, videos and texts, or listings where the rule is of those."""

    parts: int = 0
    new: int = 0
    skus: set[str] = field(default_factory=set)
    fixes: Counter[Fix] = field(default_factory=Counter)


@dataclass(slots=True)
class LintReport:
    """What a look at a library gave. ``ended`` counts findings of the base day, by rule, that the day has no more."""

    scope: Scope
    kits: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    findings: list[LintFinding] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)

    @property
    def fails(self) -> bool:
        """Whether something would be refused, or could not be looked at."""
        return bool(self.unreadable) or any(finding.found.hard for finding in self.findings)

    def by_rule(self) -> dict[RuleKey, RuleSum]:
        """The sums, what is refused first, then by marketplace and rule."""
        sums: dict[RuleKey, RuleSum] = {}
        for finding in self.findings:
            breach = finding.found.breach
            severity = "error" if finding.found.hard else "warning"
            text = "" if finding.found.absent else figure(breach.field, breach.limit.value)
            key = RuleKey(finding.code, finding.found.rule, breach.limit, breach.marketplace, severity, text)
            total = sums.setdefault(key, RuleSum())
            total.parts += 1
            total.new += finding.new
            total.skus.add(finding.sku)
            total.fixes[finding.mending.fix] += 1
        order = sorted(sums, key=lambda key: (key.severity, key.code, key.marketplace, key.rule))
        return {key: sums[key] for key in order}

    def by_marketplace(self) -> dict[str, RuleSum]:
        """How many parts each marketplace would refuse; a part that breaks several of its rules counts once."""
        sums: dict[str, RuleSum] = {}
        seen: set[tuple[str, str, str]] = set()
        for finding in self.findings:
            name = finding.found.breach.marketplace
            part = (name, finding.sku, finding.found.part)
            if not finding.found.hard or part in seen:
                continue
            seen.add(part)
            total = sums.setdefault(name, RuleSum())
            total.parts += 1
            total.new += finding.new
            total.skus.add(finding.sku)
        return dict(sorted(sums.items()))


def lint_library(
    store: ObjectStore, scope: Scope, *, watch: Callable[[int], None] = lambda kits: None
) -> LintReport:
    """Look at every kit in storage, one after the other; ``watch`` is told how many were. Raises StorageError where
    storage itself cannot be read, and UnknownMarketError.
    """
    report = LintReport(scope)
    for key, kit in read_library(store):
        if isinstance(kit, str):
            report.unreadable[key] = kit
        elif kit.status in _UNFINISHED:
            report.passed_over[kit.status.value] += 1
        else:
            report.kits += 1
            _add(report, kit, store)
            watch(report.kits)
    return report


def _add(report: LintReport, kit: Kit, store: ObjectStore) -> None:
    scope = report.scope
    breaches = lint_kit(kit, scope)
    if scope.day == scope.base or same_rules(scope, category_of(kit)):
        before = {found.identity: found for found in breaches}
    else:
        before = {found.identity: found for found in lint_kit(kit, scope, on=scope.base)}
    now = {found.identity for found in breaches}
    report.ended.update(found.rule for identity, found in before.items() if identity not in now)
    for found in breaches:
        new = found.identity not in before
        report.findings.append(LintFinding(kit.sku, found, new, mending(kit, found, store)))


def read_library(store: ObjectStore) -> Iterator[tuple[str, Kit | str]]:
    """Every kit in storage with its key, or the reason why it cannot be read. Raises StorageError."""
    folder, name = kit_key("").partition("/")[0], kit_key("").rpartition("/")[2]
    for key in store.list(f"{folder}/"):
        if key.count("/") != 2 or not key.endswith(f"/{name}"):
            continue
        try:
            yield key, Kit.model_validate_json(store.get(key))
        except ValidationError as error:
            yield key, _first_reason(error)
        except (StorageError, UnicodeError) as error:
            yield key, str(error)


def _first_reason(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else str(first["msg"])


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A limit that begins or ends between two days."""

    rule: str
    on: date
    begins: bool
    limit: Limit[Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "on": self.on.isoformat(),
            "begins": self.begins,
            "markets": list(self.limit.markets),
            "categories": list(self.limit.categories),
            "limit": figure(self.rule.rpartition(".")[2], self.limit.value),
            "level": self.limit.level,
            "mark": self.limit.mark.value,
        }


def rule_changes(scope: Scope) -> tuple[RuleChange, ...]:
    """The limits that begin or end after the earlier of the scope's days and until the later, in order of time."""
    first, last = sorted((scope.base, scope.day))
    return tuple(
        sorted(
            (
                change
                for rule, limit in _all_limits(scope.marketplaces)
                for change in _changes_of(rule, limit)
                if first < change.on <= last
            ),
            key=lambda change: (change.on, change.rule, change.begins),
        )
    )


def _changes_of(rule: str, limit: Limit[Any]) -> Iterator[RuleChange]:
    if limit.effective_from is not None:
        yield RuleChange(rule, limit.effective_from, True, limit)
    if limit.effective_until is not None:
        day_after = date.fromordinal(limit.effective_until.toordinal() + 1)
        yield RuleChange(rule, day_after, False, limit)


def _all_limits(marketplaces: Iterable[str]) -> Iterator[tuple[str, Limit[Any]]]:
    wanted = frozenset(marketplaces)
    for name, rules in all_rules().items():
        if wanted and name not in wanted:
            continue
        parts = {f"{name}.text": rules.text, f"{name}.listing": rules.listing, **rules.images, **rules.videos}
        for use, part in parts.items():
            for field_name in type(part).model_fields:
                for limit in getattr(part, field_name):
                    if isinstance(limit, Limit):
                        yield f"{use}.{field_name}", limit


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
