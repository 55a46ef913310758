"""``skuflow costs``: the figures of the cost page on the terminal; and the page itself, for ``skuflow run``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from flows.commands.terminal import EXIT_OK, print_json, print_table, refuse
from skuflow.ledger.views import decimal_cny
from skuflow.listing.assembly import read_kit
from skuflow.listing.kit import KitStatus
from skuflow.review.cost_page import write_cost_page
from skuflow.review.costs import CostSheet, Group, Sums, cost_sheet, csv_text, write_costs_table
from skuflow.review.figures import share_text
from skuflow.review.wording import Wording, say
from skuflow.storage.objects import ObjectStore, StorageError

if TYPE_CHECKING:
    from tasks.wiring import Wiring

_FINISHED = (KitStatus.NEEDS_REVIEW, KitStatus.APPROVED)
"""Kits that an agency's listing is compared with; one that a person turned down is none."""

_FIGURES = ("settled", "in work", "in doubt", "failed but charged")


def read_costs(
    wiring: Wiring,
    *,
    run_id: str | None = None,
    day: date | None = None,
    statuses: Mapping[str, str] | None = None,
) -> CostSheet:
    """The ledger's costs. ``statuses`` of kits are known already; the kits of other SKUs are read from storage."""
    sheet = cost_sheet(
        wiring.ledger, outsourcing_micro=wiring.settings.outsourcing_micro(), run_id=run_id, day=day
    )
    skus = (group.key[0] for group in sheet.by_sku)
    return sheet.with_complete(_complete(skus, wiring.store, statuses or {}))


def _complete(skus: Iterable[str], store: ObjectStore, statuses: Mapping[str, str]) -> frozenset[str]:
    return frozenset(sku for sku in skus if (statuses.get(sku) or _stored_status(sku, store)) in _FINISHED)


def _stored_status(sku: str, store: ObjectStore) -> str:
    try:
        kit = read_kit(sku, store)
    except StorageError:
        # Whether a kit counts as finished is a remark beside the money, which is in the ledger.
        return ""
    return "" if kit is None else kit.status


def write_costs(
    wiring: Wiring, out: Path, *, run_id: str, statuses: Mapping[str, str], catalog: str, started_at: str
) -> tuple[CostSheet, Path]:
    """Write ``costs.html`` and ``costs.csv`` of a run that has ended to ``out``; the figures and the page's path."""
    sheet = read_costs(wiring, run_id=run_id, statuses=statuses)
    write_costs_table(sheet, out)
    run_line = (say("run.catalog").filled(catalog=catalog), Wording(started_at, started_at))
    return sheet, write_cost_page(sheet, out, run_line=run_line)


def in_one_line(sheet: CostSheet) -> str:
    """Such as "0.14 CNY for what this run ordered, 2.88 CNY in all runs; 147.12 CNY saved against an agency"."""
    return one_line_words(sheet).en


def one_line_words(sheet: CostSheet) -> Wording:
    """The same in English and Chinese."""
    parts = [
        f"{decimal_cny(sheet.here.settled_micro)} CNY for what this run ordered,"
        f" {decimal_cny(sheet.ever.settled_micro)} CNY in all runs"
    ]
    parts_zh = [
        f"本次下单已结算 {decimal_cny(sheet.here.settled_micro)} 元，"
        f"历次合计 {decimal_cny(sheet.ever.settled_micro)} 元"
    ]
    if sheet.ever.held_micro:
        parts.append(f"{decimal_cny(sheet.ever.held_micro)} CNY held")
        parts_zh.append(f"暂扣 {decimal_cny(sheet.ever.held_micro)} 元")
    if sheet.kits:
        compared = _comparison(sheet)
        parts.append(compared.en)
        parts_zh.append(compared.zh)
    return Wording("; ".join(parts), "；".join(parts_zh))


def _comparison(sheet: CostSheet) -> Wording:
    share = share_text(sheet.ever.settled_micro, sheet.agency_micro)
    saved = decimal_cny(abs(sheet.saved_micro))
    each = decimal_cny(sheet.outsourcing_micro)
    word, word_zh = ("saved", "节省") if sheet.saved_micro >= 0 else ("more", "多花")
    return Wording(
        f"{saved} CNY {word} against {sheet.kits} kits at {each} CNY from an agency"
        + (f" ({share})" if share else ""),
        f"比外包 {sheet.kits} 个素材包（每个 {each} 元）{word_zh} {saved} 元"
        + (f"，为外包价的 {share}" if share else ""),
    )


def show_costs(wiring: Wiring, day: str | None, run_id: str | None, form: str) -> int:
    """Print what was spent, on a day or by a run where one is named; ``form`` is "csv", "json" or "table"."""
    sheet = read_costs(wiring, run_id=run_id, day=_day(day))
    if form == "csv":
        # Bytes, so that no platform doubles the line ends.
        sys.stdout.flush()
        sys.stdout.buffer.write(csv_text(sheet).encode())
        sys.stdout.buffer.flush()
    elif form == "json":
        print_json(_as_json(sheet))
    else:
        _print_tables(sheet)
    return EXIT_OK


def _print_tables(sheet: CostSheet) -> None:
    narrowed = _scope(sheet)
    here = (narrowed,) if narrowed else ()
    what = ("provider", "work", "model", "made")
    columns = ("SKU", *what, *here, *_FIGURES)
    rows = [
        (
            row.sku,
            row.provider,
            row.capability,
            row.model,
            str(row.ever.parts),
            *_amounts(row.here, row.ever, here),
        )
        for group in sheet.by_sku
        for row in group.rows
    ]
    rows.append(("total", "", "", "", str(sheet.ever.parts), *_amounts(sheet.here, sheet.ever, here)))
    print_table("Costs in CNY", columns, rows, right=("made", *here, *_FIGURES))
    if narrowed and not sheet.here.attempts:
        print(f"Nothing was ordered {narrowed}.")
    if sheet.kits:
        kit = decimal_cny(sheet.kit_micro or 0)
        print(f"{kit} CNY a kit, everything that was paid counted; {_comparison(sheet)}.")
    else:
        print("No kit is complete yet, so there is nothing to compare with an agency.")


def _scope(sheet: CostSheet) -> str:
    """Such as "on 2026-11-20"; empty for all time."""
    run = f"in run {sheet.run_id}" if sheet.run_id is not None else ""
    day = f"on {sheet.day}" if sheet.day is not None else ""
    return " ".join(filter(None, (run, day)))


def _amounts(here: Sums, ever: Sums, narrowed: tuple[str, ...]) -> tuple[str, ...]:
    of_scope = (here.settled_micro,) if narrowed else ()
    amounts = (*of_scope, ever.settled_micro, ever.in_work_micro, ever.doubt_micro, ever.wasted_micro)
    return tuple(decimal_cny(amount) for amount in amounts)


def _as_json(sheet: CostSheet) -> dict[str, object]:
    return {
        "run_id": sheet.run_id,
        "day": sheet.day.isoformat() if sheet.day else None,
        "currency": "CNY",
        "here": _sums_json(sheet.here),
        "all": _sums_json(sheet.ever),
        "kits": sheet.kits,
        "agency_per_kit": decimal_cny(sheet.outsourcing_micro),
        "cost_per_kit": None if sheet.kit_micro is None else decimal_cny(sheet.kit_micro),
        "saved": decimal_cny(sheet.saved_micro),
        "share": share_text(sheet.ever.settled_micro, sheet.agency_micro) or None,
        "skus": [_sku_json(sheet, group) for group in sheet.by_sku],
    }


def _sku_json(sheet: CostSheet, group: Group) -> dict[str, object]:
    return {
        "sku": group.key[0],
        "complete": group.key[0] in sheet.complete,
        "here": _sums_json(group.here),
        "all": _sums_json(group.ever),
        "saved": decimal_cny(sheet.saved_by_sku_micro(group)),
        "rows": [
            {
                "provider": row.provider,
                "capability": row.capability,
                "model": row.model,
                "here": _sums_json(row.here),
                "all": _sums_json(row.ever),
            }
            for row in group.rows
        ],
    }


def _sums_json(sums: Sums) -> dict[str, object]:
    return {
        "parts": sums.parts,
        "attempts": sums.attempts,
        "settled": decimal_cny(sums.settled_micro),
        "failed_but_charged": decimal_cny(sums.wasted_micro),
        "in_work": decimal_cny(sums.in_work_micro),
        "in_doubt": decimal_cny(sums.doubt_micro),
    }


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(f"--day {text}: write a date such as 2026-11-20")
