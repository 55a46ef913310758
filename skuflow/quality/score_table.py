"""The rules of the scores as the tables of docs/scores.md: ``python -m skuflow.quality.score_table``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from skuflow.quality.copy_limits import COPY_RULES
from skuflow.quality.limits import IMAGE_RULES, MAIN_RULES
from skuflow.quality.scoring import Rule
from skuflow.quality.video_limits import VIDEO_RULES

RULES_BY_KIND: Mapping[str, Sequence[Rule]] = {
    "image": IMAGE_RULES,
    "main image": MAIN_RULES,
    "copy": COPY_RULES,
    "video": VIDEO_RULES,
}
"""Every rule there is, by what it judges; a main image is judged by the rules of an image and by its own."""

_HEAD = ("penalty", "aspect", "measured value", "points lost", "finding")
_END = "<!-- end of penalties -->"


def score_tables() -> dict[str, str]:
    """A Markdown table of all penalties for each kind of ``RULES_BY_KIND``, without a newline at its end."""
    return {kind: _table(rules) for kind, rules in RULES_BY_KIND.items()}


def with_tables(page: str) -> str:
    """``page`` (Markdown) with its tables brought up to date.

    A table stands between the lines ``<!-- penalties: KIND -->`` and ``<!-- end of penalties -->``. Raises
    ValueError where the page does not have exactly one such place for each kind.
    """
    tables = score_tables()
    places = re.findall(r"^<!-- penalties: (.+) -->$", page, re.MULTILINE)
    if sorted(places) != sorted(tables):
        raise ValueError(f"the page has places for {places}; it needs one for each of {list(tables)}")
    for kind, table in tables.items():
        mark = f"<!-- penalties: {kind} -->"
        before, _, rest = page.partition(f"{mark}\n")
        _, end, after = rest.partition(_END)
        if not end:
            raise ValueError(f"the place for {kind} does not end with {_END}")
        page = f"{before}{mark}\n{table}\n{_END}{after}"
    return page


def _table(rules: Sequence[Rule]) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *(_row(rule) for rule in rules)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(rule: Rule) -> tuple[str, ...]:
    steps = ", ".join(f"{step.points:g} {rule.bad_when} {step.limit:g}" for step in rule.steps)
    return f"`{rule.name}`", rule.aspect, f"`{rule.measure}`", steps, rule.severity.value


if __name__ == "__main__":
    for kind, table in score_tables().items():
        print(f"<!-- penalties: {kind} -->\n{table}\n{_END}\n")
