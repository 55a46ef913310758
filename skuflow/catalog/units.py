"""Units of measure as catalogs write them, in one table: ``units.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from skuflow.listing.packaged_yaml import read_yaml


@cache
def units() -> Mapping[str, tuple[str, float]]:
    """Dimension ("length") and factor to its base unit (m, kg, l, W, V, Ah, GB, s) of every spelling, in small letters.

    Raises PackagedDataError.
    """
    dimensions: Mapping[str, Mapping[str, float]] = read_yaml(Path(__file__).with_name("units.yaml"))
    return MappingProxyType(
        {unit: (name, factor) for name, spelled in dimensions.items() for unit, factor in spelled.items()}
    )
