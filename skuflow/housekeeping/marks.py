"""Moments that all janitors of one database remember: when they ran last, and what was told already."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from skuflow.ledger.ledger import utc_now
from skuflow.ledger.schema import housekeeping_marks
from skuflow.ledger.transactions import reading, writing

RAN = "janitor: ran"
"""When a janitor came to its end last."""
_NAME_CHARS = 300


class Marks:
    """The marks of one database. Calls block and are thread-safe. Names longer than 300 characters are cut."""

    def __init__(self, engine: Engine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    def take(self, name: str, *, again_after: timedelta = timedelta.max) -> bool:
        """Set a mark that is not there yet, or was set as long ago as ``again_after``: of all who try, exactly one is
        told True.
        """
        now = self._clock()
        with writing(self._engine) as connection:
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            new = insert(housekeeping_marks).values(name=name[:_NAME_CHARS], at=now)
            if again_after == timedelta.max:
                new = new.on_conflict_do_nothing()
            else:
                new = new.on_conflict_do_update(
                    index_elements=[housekeeping_marks.c.name],
                    set_={"at": now},
                    where=housekeeping_marks.c.at <= now - again_after,
                )
            return connection.execute(new.returning(housekeeping_marks.c.name)).first() is not None

    def set(self, name: str) -> None:
        """Set a mark to this moment."""
        if not self.take(name):
            with writing(self._engine) as connection:
                connection.execute(sa.update(housekeeping_marks).where(_is(name)).values(at=self._clock()))

    def drop(self, name: str) -> None:
        """Take a mark away, as if it had never been set."""
        with writing(self._engine) as connection:
            connection.execute(sa.delete(housekeeping_marks).where(_is(name)))

    def at(self, name: str) -> datetime | None:
        """When the mark was set, None where it is not there."""
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(housekeeping_marks.c.at).where(_is(name)))
            moment: datetime | None = found.scalar_one_or_none()
            return moment

    def forget(self, older_than: timedelta) -> int:
        """Take away marks set longer ago than that; returns how many."""
        with writing(self._engine) as connection:
            gone = connection.execute(
                sa.delete(housekeeping_marks).where(housekeeping_marks.c.at < self._clock() - older_than)
            )
            return gone.rowcount


def _is(name: str) -> sa.ColumnElement[bool]:
    return housekeeping_marks.c.name == name[:_NAME_CHARS]
