"""Keys of Prefect artifacts, which allow lower-case letters, digits and dashes only."""

from __future__ import annotations

import hashlib
import re

_READABLE_CHARS = 80


def artifact_key(what: str, name: str) -> str:
    """A key such as "kit-dm-mug-001". A name that had to be changed gets eight hex digits of its SHA-256."""
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_READABLE_CHARS].strip("-")
    if readable == name.lower():
        return f"{what}-{readable}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return "-".join(filter(None, (what, readable, digest)))
