"""The cost page: ``costs.html`` beside the gallery, in its look and both languages, without server or network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from skuflow.jobs.contract import MicroCNY
from skuflow.ledger.views import decimal_cny
from skuflow.review.costs import COSTS_TABLE, CostSheet, Group, Sums, total
from skuflow.review.figures import money, share_text
from skuflow.review.outfiles import write_whole
from skuflow.review.rendering import page_environment
from skuflow.review.wording import Wording, name_of, say

COSTS_PAGE = "costs.html"
SKUS_SHOWN = 400
"""Those that cost most; the rest is one line on the page and complete in costs.csv."""

_LEAST_BAR_PERCENT = 0.4
_DASHED = ("-here", "-held", "-wasted")


@dataclass(frozen=True, slots=True)
class _Rest:
    """The SKUs that are not shown one by one."""

    skus: int
    here: Sums
    ever: Sums
    saved_micro: MicroCNY


def write_cost_page(sheet: CostSheet, out: Path, *, run_line: Sequence[Wording] = ()) -> Path:
    """Write ``out/costs.html``; returns its path. ``here`` of the sheet is called "this run". Raises OSError."""
    shown, left = sheet.by_sku[:SKUS_SHOWN], sheet.by_sku[SKUS_SHOWN:]
    rest = _Rest(
        skus=len(left),
        here=total(group.here for group in left),
        ever=total(group.ever for group in left),
        saved_micro=sum(sheet.saved_by_sku_micro(group) for group in left),
    )
    page = (
        _environment()
        .get_template("costs.html.j2")
        .render(
            sheet=sheet,
            run_line=run_line,
            table=COSTS_TABLE,
            verdict=_verdict(sheet),
            bar_percent=_bar_percent(sheet),
            shown=shown,
            rest=rest,
        )
    )
    path = out / COSTS_PAGE
    write_whole(path, page.encode())
    return path


def _verdict(sheet: CostSheet) -> Wording:
    """The page's first sentence: what a listing costs here and what it would cost elsewhere."""
    kit_micro = sheet.kit_micro
    if kit_micro is None:
        return say("costs.no_kit")
    if kit_micro == 0:
        return say("costs.verdict_free").filled(kits=sheet.kits)
    words = "costs.verdict" if kit_micro <= sheet.outsourcing_micro else "costs.verdict_dear"
    return say(words).filled(
        amount=_money(kit_micro),
        share=share_text(sheet.ever.settled_micro, sheet.agency_micro),
        agency=_money(sheet.outsourcing_micro),
    )


def _bar_percent(sheet: CostSheet) -> tuple[float, float]:
    """Lengths of the two bars, ours and the agency's; the longer one is 100."""
    longest = max(sheet.ever.settled_micro, sheet.agency_micro, 1)
    ours = 100 * sheet.ever.settled_micro / longest
    return (max(ours, _LEAST_BAR_PERCENT) if ours else 0.0, 100 * sheet.agency_micro / longest)


def _money(micro: MicroCNY) -> str:
    return money(str(Decimal(micro).scaleb(-6)))


def _exact(micro: MicroCNY, kind: str = "") -> Markup:
    """An amount as people read it; the exact one, in micro-CNY, is its value, and in yuan its tooltip."""
    empty = " zero" if micro == 0 else ""
    sign = " minus" if micro < 0 else ""
    # Columns that are mostly nothing are easier to read where nothing is a dash.
    text = "–" if micro == 0 and kind.endswith(_DASHED) and not kind.startswith("total-") else _money(micro)
    return Markup('<data class="amount{}" value="{}" data-kind="{}" title="¥{}">{}</data>').format(
        empty + sign, micro, kind, decimal_cny(micro), text
    )


def _share(sheet: CostSheet, group: Group) -> str:
    return share_text(group.ever.settled_micro, sheet.outsourcing_micro)


@cache
def _environment() -> Environment:
    environment = page_environment()
    environment.globals.update(
        amount=_exact,
        money=_money,
        share=_share,
        provider_words=lambda name: name_of("provider", name),
        capability_words=lambda name: name_of("capability", name),
    )
    return environment
