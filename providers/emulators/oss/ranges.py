"""The Range header as OSS reads it: one that it cannot satisfy or read is passed over (GetObject, "Range")."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def part_of(header: str, size_bytes: int) -> tuple[int, int] | None:
    """The first and the last byte of what is asked for, None for the whole."""
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size_bytes)
        return (size_bytes - length, size_bytes - 1) if length else None
    begin, end = int(first), int(last) if last else size_bytes - 1
    if begin >= size_bytes or end < begin:
        return None
    return begin, min(end, size_bytes - 1)
