"""Names of what does the offline provider's work; they stand in the ledger and in the kit."""

from __future__ import annotations

from collections.abc import Mapping

MODELS: Mapping[str, str] = {
    "copy": "templates-1",
    "main": "studio-white-1",
    "image": "studio-scenes-1",
    "video": "studio-film-1",
}
"""Each ends in a number that rises when the same order would give a different result; kits keep what they have until a
remake, and say which model made it."""
