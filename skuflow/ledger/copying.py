"""``python -m skuflow.ledger.copying FROM TO``: a whole ledger into an empty database, such as that of SQLite into
Postgres. Both are addresses as in SKUFLOW_DATABASE_URL.

A new database begins with nothing: what was bought would be bought again, and caps begin at 0. So whoever moves takes
the ledger along, while nothing of skuflow runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from skuflow.ledger.engine import open_engine
from skuflow.ledger.errors import SchemaError
from skuflow.ledger.ledger import utc_now
from skuflow.ledger.migrate import current_revision, upgrade_engine
from skuflow.ledger.schema import HEAD_REVISION, metadata
from skuflow.ledger.transactions import is_free

CHUNK_ROWS = 500


class CopyRefusedError(Exception):
    """Nothing was copied; the message, one line without passwords, says why and what to do."""


def copy_ledger(source_url: str, target_url: str, *, now: datetime | None = None) -> dict[str, int]:
    """Copy every row, all of them or none; how many there were, by table. ``now`` says which leases are over.

    Raises CopyRefusedError where the source is no ledger of this version or somebody works with it, where the target
    holds anything, and where a database cannot be used. What works with the source without a lease cannot be seen: on
    SQLite it waits meanwhile, and writes into the old ledger afterwards.
    """
    if _is_missing_file(source_url):
        raise CopyRefusedError("FROM is no file that is there; name the ledger that is to be copied")
    with _opened("FROM", source_url) as source, _opened("TO", target_url) as target:
        if current_revision(source) != HEAD_REVISION:
            raise CopyRefusedError(
                "FROM is no ledger of this version of skuflow; run skuflow jobs with it once, which brings it up to"
                " date"
            )
        upgrade_engine(target)
        with _whole(source) as reading, target.begin() as writing:
            # First, since a FROM that is also TO would wait for itself.
            _require_empty(writing)
            _require_idle(reading, now or utc_now())
            return {table.name: _copy_table(table, reading, writing) for table in metadata.sorted_tables}


def _is_missing_file(address: str) -> bool:
    try:
        url = make_url(address)
    except ArgumentError:
        return False
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file()


@contextmanager
def _opened(which: str, address: str) -> Iterator[Engine]:
    """The engine; its troubles as sentences. An address is never shown, since it may hold a password."""
    try:
        engine = open_engine(address)
    except (ArgumentError, ValueError, OSError):
        raise CopyRefusedError(
            f"{which}: no address of a database; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    try:
        yield engine
    except DBAPIError as error:
        said = next(iter(str(error.orig).splitlines()), "no reason given")
        raise CopyRefusedError(f"nothing was copied: {said}") from error
    except SchemaError as error:
        raise CopyRefusedError(f"{which}: {' '.join(str(error).split())}") from error
    finally:
        engine.dispose()


@contextmanager
def _whole(engine: Engine) -> Iterator[Connection]:
    """A transaction to which the ledger stays as it was at its beginning; on SQLite nobody else writes meanwhile."""
    options: dict[str, Any] = {"yield_per": CHUNK_ROWS}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection:
        yield connection


def _require_idle(connection: Connection, now: datetime) -> None:
    for table in metadata.sorted_tables:
        if {"owner", "lease_until"} <= {*table.columns.keys()}:
            held = sa.select(table.c.owner, table.c.lease_until).where(table.c.lease_until > now)
            for row in connection.execute(held).all():
                if not is_free(row.owner, row.lease_until, now):
                    raise CopyRefusedError(
                        f"FROM is in use ({table.name}, until {row.lease_until:%Y-%m-%d %H:%M} UTC);"
                        " stop skuflow everywhere, then copy"
                    )


def _require_empty(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise CopyRefusedError(f"TO holds rows already ({table.name}); name an empty database")


def _copy_table(table: sa.Table, reading: Connection, writing: Connection) -> int:
    count = 0
    for rows in reading.execute(sa.select(table).order_by(*table.primary_key)).mappings().partitions():
        writing.execute(sa.insert(table), [dict(row) for row in rows])
        count += len(rows)
    if writing.dialect.name == "postgresql":
        _go_on_counting(table, writing)
    return count


def _go_on_counting(table: sa.Table, connection: Connection) -> None:
    """Rows that bring their own numbers do not move Postgres' counter on, and the next new one would take a number
    that is there.
    """
    column = table.autoincrement_column
    if column is None:
        return
    counter = sa.func.pg_get_serial_sequence(table.name, column.name)
    highest = sa.select(sa.func.max(column)).scalar_subquery()
    connection.execute(sa.select(sa.func.setval(counter, highest)).where(highest.is_not(None)))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m skuflow.ledger.copying", description=(__doc__ or "").partition(": ")[2]
    )
    for name, help_text in (("FROM", "the ledger there is"), ("TO", "an empty database")):
        parser.add_argument(name, help=f"{help_text}: sqlite:///FILE or postgresql://USER@HOST/NAME")
    given = vars(parser.parse_args(arguments))
    try:
        copied = copy_ledger(given["FROM"], given["TO"])
    except CopyRefusedError as error:
        print(f"skuflow: {error}", file=sys.stderr)
        return 2
    _say(copied)
    return 0


def _say(copied: Mapping[str, int]) -> None:
    for table, count in copied.items():
        print(f"{count:>10}  {table}")
    print(
        "Copied. Set SKUFLOW_DATABASE_URL to TO for every process, and put FROM away: two ledgers pay twice."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
