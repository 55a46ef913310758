"""What is kept of a photo so that it can be found again; apart from the pixel libraries, since records hold it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Print:
    """``straight`` and ``mirrored``: perceptual hashes as 16 hex digits. ``lab``: the product's mean CIELAB colour."""

    straight: str
    mirrored: str
    lab: tuple[float, float, float]
