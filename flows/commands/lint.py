"""``skuflow lint``: every kit in storage against the marketplaces' rules of a day."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from flows.commands.lint_costs import FixLine, Prices, cny, fix_lines
from flows.commands.terminal import (
    EXIT_OK,
    EXIT_UNFINISHED,
    TerminalProgress,
    print_json,
    print_table,
    refuse,
)
from skuflow.listing.rules.text import rules_of, today
from skuflow.review.lint import Scope, marketplaces_of_market
from skuflow.review.lint_fixes import FIX_WORDS
from skuflow.review.lint_report import LintReport, RuleSum, lint_library, rule_changes
from skuflow.review.lint_wording import sentence
from skuflow.settings import Settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import StorageError

if TYPE_CHECKING:
    from tasks.wiring import Wiring

_SHOWN_FINDINGS = 40
"""Findings that are listed for people; more are for machines."""
_KITS_PER_LINE = 1000


def lint_kits(
    settings: Settings, on: str | None, market: str | None, marketplaces: Sequence[str], as_json: bool
) -> int:
    """Look at the whole library and print what is found; the exit status.

    Raises UnknownMarketplaceError and UnknownMarketError.
    """
    scope = scope_of(on, market, marketplaces)
    prices = Prices(lambda: _wired(settings))
    progress = TerminalProgress(quiet=as_json)
    try:
        report = lint_library(FolderStore(settings.storage_dir), scope, watch=lambda n: _tell(progress, n))
        fixes = fix_lines(report.findings, prices.of)
    except StorageError as error:
        refuse(f"the kits in {settings.storage_dir} cannot be read: {error}")
    finally:
        prices.close()
    if as_json:
        print_json(report_json(report, fixes))
    else:
        _print(report, fixes)
    return EXIT_UNFINISHED if report.fails else EXIT_OK


def scope_of(on: str | None, market: str | None, marketplaces: Sequence[str]) -> Scope:
    """The options as a scope. Raises UnknownMarketplaceError and UnknownMarketError."""
    base = today()
    named = tuple(dict.fromkeys(rules_of(name.strip().lower()).marketplace for name in marketplaces))
    code: str | None = None
    if market is not None:
        from skuflow.listing.markets import market as market_named

        code = market_named(market).code
        named = named or marketplaces_of_market(code)
    return Scope(day=base if on is None else _day(on), base=base, marketplaces=named, market=code)


def report_json(report: LintReport, fixes: Sequence[FixLine]) -> dict[str, object]:
    """The report for machines; findings in the order of kits in storage."""
    scope = report.scope
    return {
        "on": scope.day.isoformat(),
        "today": scope.base.isoformat(),
        "market": scope.market,
        "marketplaces": list(scope.marketplaces),
        "kits": report.kits,
        "passed_over": dict(sorted(report.passed_over.items())),
        "unreadable": [
            {"code": "KIT_UNREADABLE", "key": key, "reason": reason}
            for key, reason in report.unreadable.items()
        ],
        "refused": [
            {"marketplace": name, "parts": total.parts, "skus": len(total.skus), "new": total.new}
            for name, total in report.by_marketplace().items()
        ],
        "rules": [
            {
                "code": key.code,
                "severity": key.severity,
                "marketplace": key.marketplace,
                "rule": key.rule,
                "limit": key.limit_text,
                "level": key.limit.level,
                "mark": key.limit.mark.value,
                "since": key.limit.effective_from.isoformat() if key.limit.effective_from else None,
                "parts": total.parts,
                "skus": len(total.skus),
                "new": total.new,
            }
            for key, total in report.by_rule().items()
        ],
        "rule_changes": [change.as_json() for change in rule_changes(scope)],
        "ended": dict(sorted(report.ended.items())),
        "fixes": [line.as_json() for line in fixes],
        "fix_cost_cny": _sum_cny(fixes, "error"),
        "advice_cost_cny": _sum_cny(fixes, "warning"),
        "currency": "CNY",
        "findings": [finding.as_json() for finding in report.findings],
    }


def _print(report: LintReport, fixes: Sequence[FixLine]) -> None:
    scope = report.scope
    for key, reason in report.unreadable.items():
        print(f"KIT_UNREADABLE {key}: {reason}")
    _print_findings(report)
    sums = report.by_rule()
    if sums:
        print_table(
            f"Rules of {scope.day} that are not kept",
            ("", "rule", "limit", "known", "since", "parts", "SKUs", "new"),
            [
                (
                    key.code.removeprefix("RULE_").lower(),
                    key.rule,
                    key.limit_text,
                    key.limit.mark.value,
                    str(key.limit.effective_from or ""),
                    str(total.parts),
                    str(len(total.skus)),
                    str(total.new),
                )
                for key, total in sums.items()
            ],
            right=("parts", "SKUs", "new"),
        )
    _print_changes(report)
    _print_fixes(fixes)
    passed = ", ".join(f"{count} {status}" for status, count in sorted(report.passed_over.items()))
    print(
        f"{report.kits} kits looked at{f'; not looked at: {passed}' if passed else ''}"
        f"{f'; {len(report.unreadable)} cannot be read' if report.unreadable else ''}."
    )
    for name, total in report.by_marketplace().items():
        print(_refused_line(report, name, total))
    if not (report.kits or report.passed_over or report.unreadable):
        print("Storage holds no kits; skuflow run makes them.")
    elif not report.fails:
        print(f"Nothing would be refused on {scope.day}.")


def _refused_line(report: LintReport, marketplace: str, total: RuleSum) -> str:
    new = f", {total.new} of them new since today" if report.scope.day != report.scope.base else ""
    return f"{total.parts} parts of {len(total.skus)} SKUs fail {marketplace} on {report.scope.day}{new}."


def _print_findings(report: LintReport) -> None:
    shown = sorted(report.findings, key=lambda finding: not finding.found.hard)[:_SHOWN_FINDINGS]
    for finding in shown:
        mark = "✗" if finding.found.hard else "!"
        place = " ".join(filter(None, (finding.sku, finding.found.part, finding.found.file)))
        print(f"{mark} {finding.code} {place}: {sentence(finding.found).en} ({_origin(finding.as_json())})")
    if len(report.findings) > len(shown):
        print(f"... and {len(report.findings) - len(shown)} more; --json has all of them.")


def _origin(facts: dict[str, object]) -> str:
    """Such as "hard, since 2027-01-31, Merchant Center help"; "house limit" where nobody else says so."""
    level, since, source = facts["level"], facts["since"], facts["source"]
    told = source or {"H": "house limit", "M": "commonly said"}.get(str(facts["mark"]), "")
    return ", ".join(str(word) for word in (level, since and f"since {since}", told) if word)


def _print_changes(report: LintReport) -> None:
    changes = [change.as_json() for change in rule_changes(report.scope)]
    if report.scope.day == report.scope.base:
        return
    first, last = sorted((report.scope.base, report.scope.day))
    print(f"{len(changes)} limits change between {first} and {last}.")
    for change in changes:
        word = "begins" if change["begins"] else "ends"
        of = ", ".join(map(str, (change["level"], *change["markets"], *change["categories"])))
        print(f"  {change['on']} {change['rule']} {change['limit']} {word} ({of})")
    for rule, parts in sorted(report.ended.items()):
        print(f"  {parts} parts break {rule} today and no longer then.")


def _print_fixes(fixes: Sequence[FixLine]) -> None:
    if not fixes:
        return
    print_table(
        "What mends it",
        ("for", "what", "pieces", "SKUs", "CNY", "price from"),
        [
            (
                "rules" if line.severity == "error" else "advice and gaps",
                FIX_WORDS[line.fix].en + (f" ({line.capability.value})" if line.capability else ""),
                str(line.units),
                str(len(line.skus)),
                "unknown" if line.micro is None else cny(line.micro),
                line.basis,
            )
            for line in fixes
        ],
        right=("pieces", "SKUs", "CNY"),
    )
    print(
        f"Mending what would be refused costs about {_sum_cny(fixes, 'error')} CNY; following advice and filling gaps"
        f" besides {_sum_cny(fixes, 'warning')} CNY{_unknown(fixes)}."
    )


def _sum_cny(fixes: Sequence[FixLine], severity: str) -> str:
    return cny(sum(line.micro or 0 for line in fixes if line.severity == severity))


def _unknown(fixes: Sequence[FixLine]) -> str:
    unpriced = sum(line.units for line in fixes if line.micro is None)
    return f"; {unpriced} pieces have no price in this" if unpriced else ""


def _tell(progress: TerminalProgress, kits: int) -> None:
    if kits % _KITS_PER_LINE == 0 and sys.stderr.isatty():
        progress.say(f"{kits} kits looked at")


def _wired(settings: Settings) -> Wiring:
    from tasks.wiring import wire

    return wire(settings)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(f"--on {text}: write a date such as 2027-01-31")
