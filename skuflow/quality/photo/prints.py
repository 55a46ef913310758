"""What is kept of a photo; apart from the pixel libraries, since records hold it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Print:
    """What finds a photo again. ``straight`` and ``mirrored``: perceptual hashes as 16 hex digits. ``lab``: the
    product's mean CIELAB colour.
    """

    straight: str
    mirrored: str
    lab: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PhotoMeasures:
    """What was measured; None where it cannot be: no edge to judge by, or no cut-out to say where the product is."""

    true_width_px: int
    focus: float | None
    blockiness: float
    light_level: float
    white_border: float
    busy_border: float
    burnt: float | None
    frame_fill: float | None
    print: Print
