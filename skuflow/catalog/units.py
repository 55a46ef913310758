"""Units of measure as texts write them, in one table: ``units.yaml``."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skuflow.listing.packaged_yaml import read_yaml


@dataclass(frozen=True, slots=True)
class ExactUnit:
    """The unit that a spelling may mean, as ``factor`` of ``base``: units of one base convert without rounding."""

    base: str
    factor: Decimal


@cache
def units() -> Mapping[str, tuple[str, float]]:
    """Dimension ("length") and factor to its base unit (m, kg, l, W, V, Ah, GB, s) of every spelling that catalogs
    are read for, in small letters.

    Raises PackagedDataError.
    """
    return MappingProxyType(
        {
            spelling: (dimension, float(entry["is"]))
            for dimension, _, entry in _entries()
            for spelling in _spellings(entry, "spelled", "in_catalog")
        }
    )


@cache
def exact_units() -> Mapping[str, tuple[ExactUnit, ...]]:
    """What every spelling that copy is read for may mean, in small letters; in capitals what it means besides when it
    is written so ("128G").

    Raises PackagedDataError.
    """
    size = {unit: Decimal(str(entry["is"])) for _, unit, entry in _entries()}
    found: defaultdict[str, list[ExactUnit]] = defaultdict(list)
    for _, unit, entry in _entries():
        base = str(entry.get("exact", unit))
        for spelling in _spellings(entry, "spelled", "in_copy"):
            found[spelling].append(ExactUnit(base, size[unit] / size[base]))
    return MappingProxyType({spelling: tuple(meant) for spelling, meant in found.items()})


def even_text(text: str) -> str:
    """``text`` with Unicode's compatibility forms resolved and inch marks kept: resolving turns ″ into two others."""
    marked = text.replace("\u2033", '"').replace("\u2032\u2032", '"')
    return unicodedata.normalize("NFKC", marked)


def _entries() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Dimension, unit and entry of every unit of the table."""
    dimensions: Mapping[str, Mapping[str, Mapping[str, Any]]] = read_yaml(
        Path(__file__).with_name("units.yaml")
    )
    for dimension, found in dimensions.items():
        for unit, entry in found.items():
            yield dimension, str(unit), entry


def _spellings(entry: Mapping[str, Any], *keys: str) -> list[str]:
    return [spelling for key in keys for spelling in str(entry.get(key, "")).split("|") if spelling]
