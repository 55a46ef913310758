"""``skuflow lint``: every kit in storage against the marketplaces' rules of a day."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from flows.commands.findings_text import in_words
from flows.commands.lint_changes import ChangeSum, summed_changes
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
from skuflow.settings import Languages, Settings
from skuflow.storage.objects import StorageError
from skuflow.storage.opening import open_store

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
        report = lint_library(open_store(settings), scope, watch=lambda n: _tell(progress, n))
        fixes = fix_lines(report.findings, prices.of)
        changes = summed_changes(report, prices.of)
    except StorageError as error:
        refuse(f"the kits cannot be read: {error}")
    finally:
        prices.close()
    if as_json:
        print_json(report_json(report, fixes))
    else:
        _print(report, fixes, changes, settings.languages)
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


def _print(
    report: LintReport, fixes: Sequence[FixLine], changes: Sequence[ChangeSum], languages: Languages
) -> None:
    def say(en: str, zh: str) -> str:
        return in_words(languages, en, zh)

    scope = report.scope
    for key, reason in report.unreadable.items():
        mend = say("run the SKU again", "请重新运行该 SKU")
        print(f"KIT_UNREADABLE {key}: {reason}; {mend}")
    _print_findings(report, languages)
    _print_rules(report, languages)
    _print_changes(report, changes, languages)
    _print_fixes(fixes, languages)
    passed = ", ".join(f"{count} {status}" for status, count in sorted(report.passed_over.items()))
    unread = len(report.unreadable)
    print(
        say(
            f"{report.kits} kits looked at{f'; not looked at: {passed}' if passed else ''}"
            f"{f'; {unread} cannot be read' if unread else ''}.",
            f"共检查 {report.kits} 个素材包{f'；未检查：{passed}' if passed else ''}"
            f"{f'；{unread} 个无法读取' if unread else ''}。",
        )
    )
    for name, total in report.by_marketplace().items():
        print(_refused_line(report, name, total, languages))
    if not (report.kits or report.passed_over or report.unreadable):
        print(
            say("Storage holds no kits; skuflow run makes them.", "存储中没有素材包；请先运行 skuflow run。")
        )
    elif not report.fails:
        print(say(f"Nothing would be refused on {scope.day}.", f"{scope.day} 没有会被拒收的内容。"))


def _print_rules(report: LintReport, languages: Languages) -> None:
    sums = report.by_rule()
    if not sums:
        return
    heads = {
        "kind": "类别",
        "rule": "规则",
        "limit": "限值",
        "known": "依据",
        "since": "生效",
        "parts": "部分",
        "SKUs": "SKU 数",
        "new": "新增",
    }
    columns = {en: in_words(languages, en, zh) for en, zh in heads.items()}
    print_table(
        in_words(
            languages, f"Rules of {report.scope.day} that are not kept", f"{report.scope.day} 未满足的规则"
        ),
        tuple(columns.values()),
        [
            (
                in_words(languages, key.code.removeprefix("RULE_").lower(), _KINDS_ZH[key.code]),
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
        right=tuple(columns[name] for name in ("parts", "SKUs", "new")),
    )


_KINDS_ZH = {"RULE_REFUSED": "拒收", "RULE_ADVICE": "建议", "RULE_GAP": "缺项", "RULE_LOST": "不再适用"}


def _refused_line(report: LintReport, marketplace: str, total: RuleSum, languages: Languages) -> str:
    later, skus = report.scope.day != report.scope.base, len(total.skus)
    new = f", {total.new} of them new since today" if later else ""
    new_zh = f"，其中 {total.new} 个为新增" if later else ""
    return in_words(
        languages,
        f"{total.parts} parts of {skus} SKUs fail {marketplace} on {report.scope.day}{new}.",
        f"{report.scope.day} 有 {skus} 个 SKU 的 {total.parts} 个部分不符合 {marketplace}{new_zh}。",
    )


def _print_findings(report: LintReport, languages: Languages) -> None:
    shown = sorted(report.findings, key=lambda finding: not finding.found.hard)[:_SHOWN_FINDINGS]
    for finding in shown:
        mark = "✗" if finding.found.hard else "!"
        place = " ".join(filter(None, (finding.sku, finding.found.part, finding.found.file)))
        words = sentence(finding.found)
        said = {"en": words.en, "zh": words.zh}
        first, *others = (said[language] for language in languages)
        print(f"{mark} {finding.code} {place}: {first} ({_origin(finding.as_json(), languages[0])})")
        for other in others:
            print(f"  {other}")
    if more := len(report.findings) - len(shown):
        print(
            in_words(
                languages, f"... and {more} more; --json has all of them.", f"另有 {more} 条，详见 --json。"
            )
        )


def _origin(facts: dict[str, object], language: str) -> str:
    """Such as "hard, since 2027-01-31, Merchant Center help"; "house limit" where nobody else says so."""
    level, since, source = facts["level"], facts["since"], facts["source"]
    told = source or _MARKS[language].get(str(facts["mark"]), "")
    begun = since and (f"since {since}" if language == "en" else f"{since} 起")
    return ", ".join(str(word) for word in (_LEVELS[language].get(str(level), level), begun, told) if word)


_MARKS = {"en": {"H": "house limit", "M": "commonly said"}, "zh": {"H": "内部标准", "M": "业内说法"}}
_LEVELS = {"en": dict[str, str](), "zh": {"hard": "硬性", "warn": "建议"}}


def _print_changes(report: LintReport, changes: Sequence[ChangeSum], languages: Languages) -> None:
    if report.scope.day == report.scope.base:
        return
    first, last = sorted((report.scope.base, report.scope.day))
    print(
        in_words(
            languages,
            f"Rules that change between {first} and {last}: {len(changes)}.",
            f"{first} 至 {last} 之间变化的规则：{len(changes)} 项。",
        )
    )
    for change in changes:
        for number, language in enumerate(languages):
            print(f"  {'  ' if number else ''}{change.sentence(language)}")
    # Where another limit of the same rule is broken then, nothing has ended for the seller.
    still = {finding.found.rule for finding in report.findings}
    for rule, parts in sorted(report.ended.items()):
        if rule in still:
            continue
        print(
            in_words(
                languages,
                f"  {parts} parts break {rule} today and no longer then.",
                f"  届时 {parts} 个部分不再违反 {rule}。",
            )
        )


def _print_fixes(fixes: Sequence[FixLine], languages: Languages) -> None:
    if not fixes:
        return
    heads = {
        "for": "原因",
        "what": "处理",
        "pieces": "数量",
        "SKUs": "SKU 数",
        "CNY": "元",
        "price from": "价格来源",
    }
    columns = {en: in_words(languages, en, zh) for en, zh in heads.items()}
    print_table(
        in_words(languages, "What mends it", "处理方法"),
        tuple(columns.values()),
        [
            (
                in_words(languages, "rules", "规则")
                if line.severity == "error"
                else in_words(languages, "advice and gaps", "建议与缺项"),
                in_words(languages, FIX_WORDS[line.fix].en, FIX_WORDS[line.fix].zh)
                + (f" ({line.capability.value})" if line.capability else ""),
                str(line.units),
                str(len(line.skus)),
                in_words(languages, "unknown", "未知") if line.micro is None else cny(line.micro),
                in_words(languages, line.basis, _basis_zh(line)),
            )
            for line in fixes
        ],
        right=tuple(columns[name] for name in ("pieces", "SKUs", "CNY")),
    )
    unpriced = sum(line.units for line in fixes if line.micro is None)
    refused, advised = _sum_cny(fixes, "error"), _sum_cny(fixes, "warning")
    print(
        in_words(
            languages,
            f"Mending what would be refused costs about {refused} CNY; following advice and filling gaps besides"
            f" {advised} CNY{f'; {unpriced} pieces have no price in this' if unpriced else ''}.",
            f"处理会被拒收的内容约需 {refused} 元；采纳建议与补缺另需 {advised} 元"
            f"{f'；另有 {unpriced} 项未计价' if unpriced else ''}。",
        )
    )


def _basis_zh(line: FixLine) -> str:
    if line.by_hand:
        return "需人工处理"
    return "免费" if line.micro == 0 else line.basis


def _sum_cny(fixes: Sequence[FixLine], severity: str) -> str:
    return cny(sum(line.micro or 0 for line in fixes if line.severity == severity))


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
