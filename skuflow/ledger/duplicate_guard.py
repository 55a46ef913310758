"""Stops repeated generations of what a shopper would take for the same picture again.

Marketplaces suspend sellers for "low-quality duplicates": one product generated again and again in near-identical
composition. A look (``Request.look``) is what decides a composition: photo, style, motion, words of the user; not the
sizes, the provider, or texts that change with every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from skuflow.ledger.rows import JobRow, RowState
from skuflow.ledger.schema import jobs

MOST_ALIKE = 3
"""So many generations of one look may succeed within the window: the first, and two that a person asked for anew."""

CODE = "DUPLICATE_GUARD"


@dataclass(frozen=True, slots=True)
class Stopped:
    """``until``: the moment from which the look may be generated again."""

    until: datetime
    sentence: str


def stops(connection: Connection, look: str, window: timedelta, now: datetime) -> Stopped | None:
    """Whether one more generation of ``look`` is one too many at ``now``; None where it may go on."""
    if not look or not window:
        return None
    found = connection.execute(
        sa.select(jobs.c.settled_at, jobs.c.twin_of)
        .where(jobs.c.look == look, jobs.c.state == RowState.SETTLED.value, jobs.c.settled_at > now - window)
        .order_by(jobs.c.settled_at.desc())
    ).all()
    return _judged([(row.settled_at, bool(row.twin_of)) for row in found], window)


def _judged(made: Sequence[tuple[datetime, bool]], window: timedelta) -> Stopped | None:
    """By the successful generations within the window, newest first: when, and whether it came out as one before."""
    hours = f"{window.total_seconds() / 3600:g}"
    for at, twin in made:
        if twin:
            return _until(
                at + window, f"the last one came out too close to one that was there ({hours} h guard)"
            )
    if len(made) >= MOST_ALIKE:
        return _until(
            made[MOST_ALIKE - 1][0] + window, f"it was generated {len(made)} times within {hours} h"
        )
    return None


def _until(moment: datetime, why: str) -> Stopped:
    return Stopped(
        moment,
        f"the same look is not generated again before {moment.isoformat(timespec='minutes')}: {why}; "
        "choose another style or photo, or change SKUFLOW_DUPLICATE_GUARD_H",
    )


def refusal(job: JobRow, stopped: Stopped) -> JobRow:
    """The row that shows a stopped request: nothing was asked, held or counted, and it stands in nobody's way."""
    return replace(
        job,
        state=RowState.RELEASED,
        superseded=True,
        supersedes=None,
        lease_until=None,
        submitting_at=None,
        settled_at=job.created_at,
        held_micro=0,
        cap_units=0,
        error_class="DuplicateStoppedError",
        error_code=CODE,
        error_message=stopped.sentence,
    )
