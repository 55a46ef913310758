"""Transactions about who does which work. None of them is about money: the ledger guards that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from skuflow.ledger import owners
from skuflow.ledger.engine import NOTHING_OWED, READ_ONLY


@contextmanager
def writing(engine: Engine, *, lasting: bool = True) -> Iterator[Connection]:
    """A transaction that writes. Without ``lasting`` a power cut of the database's machine may undo the last ones,
    which spares a disk flush each: enough for what is only true as long as the processes live.
    """
    options = {} if lasting else NOTHING_OWED
    with engine.connect() as connection, connection.execution_options(**options).begin():
        if not lasting and engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL synchronous_commit TO OFF"))
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that takes no lock."""
    with engine.connect().execution_options(**READ_ONLY) as connection:
        yield connection


def is_free(owner: str, lease_until: datetime | None, now: datetime) -> bool:
    """Whether work that has this owner and lease is nobody's any more: lapsed, given up, or its process is gone."""
    return lease_until is None or lease_until <= now or owners.is_gone(owner)
