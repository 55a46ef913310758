"""Files in the export folder: written whole or not at all, and addressed so that any file name works in a
page.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from urllib.parse import quote


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old bytes or the new, never a part. Parent folders are made.

    Two writers of one path do not disturb each other; the last one wins. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name[:80]}.{uuid.uuid4().hex}.part")
    try:
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def relative_url(*parts: str) -> str:
    """A relative address of a file for ``src`` and ``href``: percent-encoded UTF-8, so that a colon is no
    scheme, a ``#`` no fragment and a ``%`` no escape.
    """
    return quote("/".join(parts), safe="/")


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: a supplier's title may begin with ``=``.

    The list of first characters is OWASP's for CSV injection. No column of ours is ever a negative number.
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
