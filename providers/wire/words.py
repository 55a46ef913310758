"""Text on its way to a vendor and back: prompts that fit, and vendors' words that may be shown and stored."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MAX_WORDS_CHARS = 300
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+]{1,9}://\S+", re.IGNORECASE)
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+|\bbearer\s+\S+", re.IGNORECASE)
_BREAKS = " \t\n,;，。、；"


def cut_prompt(text: str, most_chars: int) -> str:
    """``text`` in one line of at most ``most_chars`` characters, cut after a whole word."""
    line = " ".join(text.split())
    if len(line) <= most_chars:
        return line
    cut = line[:most_chars]
    if line[most_chars] in _BREAKS:
        return cut.rstrip(_BREAKS)
    # Not far back for one: text without spaces (Chinese) is cut between any two characters.
    last_break = max(cut.rfind(mark) for mark in _BREAKS)
    return (cut[:last_break] if last_break > most_chars // 2 else cut).rstrip(_BREAKS)


def vendor_words(text: object, secrets: Iterable[str] = ()) -> str:
    """A vendor's own words in one line of at most 300 characters, without addresses, tokens and ``secrets``; empty
    where the vendor sent no text.
    """
    if not isinstance(text, str):
        return ""
    line = " ".join(text.split())
    for secret in secrets:
        if secret:
            line = line.replace(secret, "...")
    line = _TOKEN.sub("...", _ADDRESS.sub("(address)", line))
    return line if len(line) <= _MAX_WORDS_CHARS else f"{line[: _MAX_WORDS_CHARS - 1]}…"
