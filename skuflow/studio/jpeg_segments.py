"""The parts of a JPEG before its picture data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SOI = b"\xff\xd8"
APP0, APP1, APP15, COMMENT, SOS = 0xE0, 0xE1, 0xEF, 0xFE, 0xDA


@dataclass(frozen=True, slots=True)
class Segment:
    """``start`` and ``end`` in bytes from the start of the file, the marker included."""

    marker: int
    start: int
    end: int


def segments(jpeg: bytes) -> Iterator[Segment]:
    """The segments from behind SOI up to the start of scan, which is the last (ITU T.81, B.1.1); one that the file cuts
    off, and what follows it, is left out.
    """
    at = len(SOI)
    while at + 4 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if end > len(jpeg):
            return
        yield Segment(marker, at, end)
        if marker == SOS:
            return
        at = end
