"""The rules as the tables of docs/rules.md: ``python -m skuflow.listing.rules.table PAGE`` writes them into a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skuflow.listing.rules.model import ImageUse, Limit, MarketplaceRules, Source, all_rules
from skuflow.listing.rules.values import figure

BEGIN = "<!-- rules -->"
END = "<!-- end of rules -->"

_HEAD = ("place", "rule", "limit", "level", "known", "holds", "source", "remark")


def rule_tables() -> str:
    """A section for each marketplace: a table of all its limits, and its remarks."""
    return "\n\n".join(_section(rules) for rules in all_rules().values())


def with_tables(page: str) -> str:
    """``page`` (Markdown) with what stands between ``<!-- rules -->`` and ``<!-- end of rules -->`` brought up to date.

    Raises ValueError where the page has no such place.
    """
    before, begin, rest = page.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no place for the tables: a line {BEGIN} and a line {END}")
    return f"{before}{BEGIN}\n\n{rule_tables()}\n\n{END}{after}"


def all_limits(rules: MarketplaceRules) -> Iterator[tuple[str, str, Limit[Any]]]:
    """Every limit of a file with its place ("amazon.main", "amazon.text", "amazon.listing") and field."""
    name = rules.marketplace
    parts = {f"{name}.text": rules.text, f"{name}.listing": rules.listing, **rules.images, **rules.videos}
    for place, part in parts.items():
        for field in type(part).model_fields:
            for limit in getattr(part, field):
                if isinstance(limit, Limit):
                    yield place, field, limit


def _section(rules: MarketplaceRules) -> str:
    lines = [_HEAD, ("---",) * len(_HEAD), *(_row(rules, *found) for found in all_limits(rules))]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    roles = "\n".join(_roles(name, use) for name, use in rules.images.items())
    sources = "\n".join(_source(name, source) for name, source in rules.sources.items())
    notes = "".join(f"\n- {note}" for note in rules.notes)
    remarks = f"\n\nNot judged:\n{notes}" if notes else ""
    return (
        f"### {rules.name}\n\nImages that may stand in each place:\n\n{roles}\n\n{table}\n\n"
        f"Sources:\n\n{sources}{remarks}"
    )


def _roles(name: str, use: ImageUse) -> str:
    only = f" (only {', '.join(use.categories)})" if use.categories else ""
    return f"- {name}: {', '.join(use.roles)}{only}"


def _row(rules: MarketplaceRules, place: str, field: str, limit: Limit[Any]) -> tuple[str, ...]:
    of = ", ".join((*limit.markets, *limit.categories))
    remark = "; ".join(filter(None, (f"only {of}" if of else "", limit.note)))
    return (
        place.removeprefix(f"{rules.marketplace}."),
        field,
        _plain(figure(field, limit.value)),
        limit.level,
        limit.mark.value,
        _span(limit),
        _plain(limit.source or ""),
        _plain(remark),
    )


def _span(limit: Limit[Any]) -> str:
    begins = f"from {limit.effective_from}" if limit.effective_from else ""
    ends = f"until {limit.effective_until}" if limit.effective_until else ""
    return " ".join(filter(None, (begins, ends)))


def _source(name: str, source: Source) -> str:
    title = _plain(source.title)
    named = f"[{title}]({source.address})" if source.address else title
    return f"- {_plain(name)}: {named}, read {source.read_on}"


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is inside a table."""
    return "".join(f"\\{c}" if c in "\\|*_{}[]<>#^~$!" else c for c in text)


if __name__ == "__main__":
    page_path = Path(sys.argv[1])
    page_path.write_text(with_tables(page_path.read_text(encoding="utf-8")), encoding="utf-8")
