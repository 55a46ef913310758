"""``skuflow jobs``: the ledger, one row per submit attempt."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from datetime import date

from flows.commands.terminal import EXIT_OK, print_json, print_table, refuse
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.views import CSV_COLUMNS, decimal_cny, to_csv_row

_SHOWN = ("sku", "part", "provider", "model", "state", "estimated", "settled", "day", "error_code")


def show_jobs(ledger: Ledger, state: str | None, day: str | None, sku: str | None, form: str) -> int:
    """Print the jobs that match; ``form`` is "csv", "json" or "table"."""
    rows = ledger.iter_jobs(state=_state(state), day=_day(day), sku=sku)
    if form == "csv":
        writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(to_csv_row(row) for row in rows)
    elif form == "json":
        print_json([to_csv_row(row) for row in rows])
    else:
        _print_table(ledger, rows)
    return EXIT_OK


def _print_table(ledger: Ledger, rows: Iterable[JobRow]) -> None:
    shown = [to_csv_row(row) for row in rows]
    print_table(
        f"{len(shown)} jobs",
        _SHOWN,
        [tuple(row[column] for column in _SHOWN) for row in shown],
        right=("estimated", "settled"),
    )
    for row in shown:
        if row["state"] == RowState.IN_DOUBT:
            print(
                f"in doubt: {row['sku']} {row['part']} at {row['provider']}; look in the vendor's console, then"
                f" skuflow resolve {row['key']} --not-accepted, --charged AMOUNT or --job-id ID"
            )
    for use in ledger.usage():
        limit = "no cap" if use.limit is None else f"of {use.limit}"
        print(f"{use.day} {use.provider}.{use.capability}: {use.used} {limit} used")
    budget = ledger.budget_use()
    limit = "no limit" if budget.limit_micro is None else f"{decimal_cny(budget.limit_micro)} CNY"
    print(
        f"{budget.day} budget: {decimal_cny(budget.settled_micro)} CNY settled, "
        f"{decimal_cny(budget.held_micro)} CNY held, limit {limit}"
    )


def _state(name: str | None) -> RowState | None:
    if name is None:
        return None
    try:
        return RowState(name)
    except ValueError:
        refuse(f"--state {name}: there is no such state; states are {', '.join(RowState)}")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(f"--day {text}: write a date such as 2026-11-20")
