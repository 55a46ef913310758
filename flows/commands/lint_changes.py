"""What changes in the marketplaces' rules until a day: one line for what changes together, with whom it hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from flows.commands.lint_costs import FixLine, Price, cny, fix_lines
from skuflow.jobs.contract import Capability
from skuflow.review.lint_report import LintReport, RuleChange, rule_changes

_MORE = {"en": "any", "zh": "不限"}


@dataclass(frozen=True, slots=True)
class ChangeSum:
    """Limits of one marketplace that change on one day in the same way: ``before`` and ``after`` as people read them.

    ``parts`` and ``skus`` break them newly. ``micro``: what a run takes to mend these in micro-CNY, None where no price
    is known for any of it. ``by_hand``: how many of them no run can mend, since they need another photo or a person.
    """

    on: date
    marketplace: str
    uses: tuple[str, ...]
    fields: tuple[str, ...]
    before: str
    after: str
    parts: int
    skus: int
    micro: int | None
    by_hand: int

    def sentence(self, language: str) -> str:
        """Such as "2027-01-31 google_merchant main, secondary: width_min_px 100 -> 500; hits 1 part of 1 SKU ..."."""
        nothing = _MORE[language]
        what = f"{self.on} {self.marketplace} {', '.join(self.uses)}: {', '.join(self.fields)} "
        what += f"{self.before or nothing} → {self.after or nothing}"
        if not self.parts:
            return what + ("; hits nothing" if language == "en" else "；无影响")
        if language == "en":
            return f"{what}; hits {self.parts} parts of {self.skus} SKUs: {'; '.join(self._ways_en())}"
        return f"{what}；影响 {self.skus} 个 SKU 的 {self.parts} 个部分：{'；'.join(self._ways_zh())}"

    def _ways_en(self) -> list[str]:
        ways = [f"{self.by_hand} need another photo or a person"] if self.by_hand else []
        if self.by_hand < self.parts:
            price = (
                "no price is known" if self.micro is None else f"mending costs about {cny(self.micro)} CNY"
            )
            ways.insert(0, price)
        return ways

    def _ways_zh(self) -> list[str]:
        ways = [f"{self.by_hand} 个需更换图片或人工处理"] if self.by_hand else []
        if self.by_hand < self.parts:
            ways.insert(0, "费用未知" if self.micro is None else f"处理约需 {cny(self.micro)} 元")
        return ways


def summed_changes(report: LintReport, prices: Callable[[Capability, str], Price]) -> list[ChangeSum]:
    """What changes between the days of the report's scope, in order of time; fields and uses that change in the same
    way are one sum.
    """
    transitions: dict[tuple[date, str, str, str], list[str]] = {}
    for (on, rule), changes in _by_rule(rule_changes(report.scope)).items():
        before, after = (_values(changes, begins=begins) for begins in (False, True))
        transitions.setdefault((on, rule.partition(".")[0], before, after), []).append(rule)
    return [
        _sum_of(key, rules, report, prices)
        for key, rules in sorted(transitions.items(), key=lambda item: (item[0][:2], item[1]))
    ]


def _by_rule(changes: Sequence[RuleChange]) -> dict[tuple[date, str], list[RuleChange]]:
    found: dict[tuple[date, str], list[RuleChange]] = {}
    for change in changes:
        found.setdefault((change.on, change.rule), []).append(change)
    return found


def _values(changes: Sequence[RuleChange], *, begins: bool) -> str:
    """The limits that begin or end, such as "100, 250 (apparel)"; a level is named where it is not the usual one."""
    told = []
    for facts in (change.as_json() for change in changes if change.begins is begins):
        of = [
            *facts["markets"],
            *facts["categories"],
            *([] if facts["level"] == "hard" else [facts["level"]]),
        ]
        told.append(f"{facts['limit']} ({', '.join(of)})" if of else str(facts["limit"]))
    return ", ".join(dict.fromkeys(told))


def _sum_of(
    key: tuple[date, str, str, str],
    rules: Sequence[str],
    report: LintReport,
    prices: Callable[[Capability, str], Price],
) -> ChangeSum:
    on, marketplace, before, after = key
    hit = [finding for finding in report.findings if finding.new and finding.found.rule in rules]
    lines = fix_lines(hit, prices)
    pieces = [rule.removeprefix(f"{marketplace}.").rpartition(".") for rule in rules]
    return ChangeSum(
        on=on,
        marketplace=marketplace,
        uses=tuple(dict.fromkeys(use for use, _, _ in pieces)),
        fields=tuple(dict.fromkeys(field for _, _, field in pieces)),
        before=before,
        after=after,
        parts=len({(finding.sku, finding.found.part) for finding in hit}),
        skus=len({finding.sku for finding in hit}),
        micro=_cost(lines),
        by_hand=sum(line.units for line in lines if line.by_hand),
    )


def _cost(lines: Sequence[FixLine]) -> int | None:
    known = [line.micro for line in lines if line.micro is not None]
    return sum(known) if known else None
