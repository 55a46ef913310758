"""Kling's lists of tasks, newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.emulators.core.jobs import Job
from providers.emulators.kling import tasks, wishes
from providers.emulators.kling.wishes import bad


def page(jobs: Sequence[Job], endpoint: str, query: Mapping[str, list[str]]) -> list[Job]:
    """One page of a legacy endpoint: ``pageNum`` 1 to 1000, ``pageSize`` 1 to 500. Raises RefusalError."""
    number = _number(query, "pageNum", 1, 1000)
    size = _number(query, "pageSize", 30, 500)
    own = [job for job in reversed(jobs) if job.payload["legacy"] and job.payload["endpoint"] == endpoint]
    return own[(number - 1) * size : number * size]


def _number(query: Mapping[str, list[str]], name: str, default: int, limit: int) -> int:
    text = query.get(name, [str(default)])[0]
    if not text.isdigit() or not 1 <= int(text) <= limit:
        raise bad(f"{name} must lie between 1 and {limit}")
    return int(text)


def window(jobs: Sequence[Job], value: Any) -> tuple[list[Job], dict[str, Any]]:
    """A part of ``POST /tasks``, and the members that stand beside ``result``. Raises RefusalError.

    The names of these members are those of a sibling list (unconfirmed for this one).
    """
    body = wishes.only(value, {"start_time", "end_time", "cursor", "limit", "filters"}, "tasks")
    limit = wishes.whole(body, "limit", range(1, tasks.MAX_LISTED + 1), 30)
    begin_ms, end_ms = (_time_ms(body, name) for name in ("start_time", "end_time"))
    start = wishes.text(body, "cursor") or "0"
    if not start.isdigit():
        raise bad("cursor is not one of ours")
    found = [
        job
        for job in reversed(jobs)
        if not job.payload["legacy"]
        and (begin_ms is None or job.accepted_at_s * 1000 >= begin_ms)
        and (end_ms is None or job.accepted_at_s * 1000 <= end_ms)
        and _passes(job, body.get("filters", []))
    ]
    shown = found[int(start) : int(start) + limit]
    rest = int(start) + limit < len(found)
    return shown, {
        "next_cursor": str(int(start) + limit) if rest else "",
        "has_more": rest,
        "count": len(shown),
    }


def _time_ms(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad(f"{name} must be epoch milliseconds")
    return value


def _passes(job: Job, filters: Any) -> bool:
    if not isinstance(filters, list):
        raise bad("filters must be a list")
    for entry in filters:
        part = wishes.only(entry, {"key", "values"}, "filters")
        key = wishes.word(part, "key", ("status", "product_type"), "")
        values = part.get("values")
        if not isinstance(values, list):
            raise bad("values must be a list")
        actual = tasks.WORDS[job.state] if key == "status" else job.payload["endpoint"]
        if actual not in values:
            return False
    return True
