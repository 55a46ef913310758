"""Text as Markdown takes it: what products and vendors wrote shows as it was written, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from skuflow.jobs.contract import MicroCNY
from skuflow.review.figures import money
from skuflow.review.wording import Wording

SIZE_LIMIT_BYTES = 200_000
"""No artifact is larger: all of them stand in the database of Prefect's server."""
TEXT_LIMIT_CHARS = 300

# Characters that Markdown or the HTML in it would read as more than themselves.
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>$])")
# The same for a single cell: an underscore within a word, a dot or a dash are nothing else there.
_CELL_SPECIAL = re.compile(r"([\\`*\[\]<]|(?<![^\W_])_|_(?![^\W_])|~(?=.*~))")
_CELL_START = re.compile(r"^([0-9]{0,9})([#>+.)=-])(?=\s|[#=-]|$)")


def plain(text: str, limit_chars: int = TEXT_LIMIT_CHARS) -> str:
    """One line of text as it was written, cut short where it is longer than that."""
    escaped = clipped(text, limit_chars).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", escaped)


def cell(text: str, limit_chars: int = TEXT_LIMIT_CHARS) -> str:
    """One line of text for a cell of a table artifact, or for the description of one.

    One of Prefect's UIs reads these as Markdown and the other as plain text: only what would be markup is escaped, so
    that names of products look the same in both.
    """
    return _CELL_START.sub(r"\1\\\2", _CELL_SPECIAL.sub(r"\\\1", clipped(text, limit_chars)))


def code(text: str) -> str:
    """One line for a code span, in which backslashes do not escape."""
    return clipped(text).replace("`", "'").replace("|", "¦")


def clipped(text: str, limit_chars: int = TEXT_LIMIT_CHARS) -> str:
    """The text on one line of at most so many characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= limit_chars else one_line[: limit_chars - 1].rstrip() + "…"


def both(words: Wording) -> str:
    """Both languages behind each other; the Chinese words alone where they hold the English ones."""
    return words.zh if words.en in words.zh else f"{words.en} {words.zh}"


def side_by_side(words: Wording) -> str:
    """The same for whole lines with figures of their own, which would run into each other."""
    return f"{words.en} · {words.zh}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Lines of a table; cells are Markdown already. ``right``: columns of figures."""
    marks = ["---:" if at in right else "---" for at in range(len(head))]
    return [_row(head), _row(marks), *(_row(cells) for cells in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def joined(sections: Iterable[Sequence[str]]) -> str:
    """Sections of lines with an empty line between them; empty ones are left out."""
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def bounded(text: str, rest: str) -> str:
    """The text in less than ``SIZE_LIMIT_BYTES``: whole lines, then where the rest is to be found."""
    data = text.encode()
    if len(data) < SIZE_LIMIT_BYTES:
        return text
    end = f"\n\n… cut, too long to be shown 内容过长，已截断: {rest}\n"
    kept = data[: SIZE_LIMIT_BYTES - len(end.encode()) - 1]
    return kept[: kept.rfind(b"\n")].decode() + end


def moment(at: datetime, zone: ZoneInfo | None) -> str:
    """Such as "2026-11-28 16:00 Asia/Shanghai"; as UTC without a zone."""
    if zone is None:
        return f"{at:%Y-%m-%d %H:%M} UTC"
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"


def yuan(micro: MicroCNY) -> str:
    """An amount as people read it, such as "¥12.30"."""
    return money(str(Decimal(micro).scaleb(-6)))
