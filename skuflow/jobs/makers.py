"""Who makes what, as the settings say it: what a run chose for itself goes with whatever it leaves to other runs."""

from __future__ import annotations

from collections.abc import Mapping

from skuflow.settings import Settings

DECIDING = ("skuflow_providers", "skuflow_models", "skuflow_routes")
"""The settings that decide which provider and model a part is made by."""


def makers_of(settings: Settings) -> dict[str, str]:
    """These settings by name."""
    return {name: str(getattr(settings, name)) for name in DECIDING}


def differing(makers: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Those of ``makers`` that ``settings`` have otherwise; empty where both have the same work done by the same."""
    own = makers_of(settings)
    return {name: value for name, value in makers.items() if name in own and own[name] != value}
