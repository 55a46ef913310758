"""Limits and measured values as people write them."""

from __future__ import annotations

from typing import Any

from skuflow.listing.rules.model import Shape


def figure(field: str, value: Any) -> str:
    """A measured value or a limit as people write it; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field == "shapes":
        return _frame(value)
    if field.endswith("_share_min_ratio"):
        return f"{value:.1%}".replace(".0%", "%")
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value)


def _frame(value: Any) -> str:
    if all(isinstance(shape, Shape) for shape in value):
        return " or ".join(map(_shape, value))
    return "x".join(map(str, value))


def _shape(shape: Shape) -> str:
    if shape.sizes_px:
        return ", ".join(f"{width}x{height}" for width, height in shape.sizes_px)
    if shape.width_min_px and shape.height_min_px:
        return f"{shape.ratio} from {shape.width_min_px}x{shape.height_min_px}"
    if shape.width_min_px or shape.height_min_px:
        return f"{shape.ratio} from {shape.width_min_px or shape.height_min_px} px"
    return shape.ratio
