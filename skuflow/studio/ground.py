"""The pinhole camera of a framed scene: from picture to surface and back.

Coordinates are centimetres at the anchor: X to the right, Y away from the camera, Z up; the anchor is the
origin. Rows and columns are pixels of the finished picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from skuflow.studio.framing import Frame
from skuflow.studio.picture import Plane
from skuflow.studio.scenes import Scene


@dataclass(frozen=True, slots=True)
class Camera:
    """``distance_cm`` is along the view axis to the anchor; ``px_per_cm`` holds at that distance."""

    anchor_px: tuple[float, float]
    px_per_cm: float
    pitch_sin: float
    pitch_cos: float
    distance_cm: float

    def row_at(self, y_cm: Plane) -> Plane:
        """Picture row of surface points at depth Y."""
        rise = self.px_per_cm * y_cm * self.pitch_sin / (1 + y_cm * self.pitch_cos / self.distance_cm)
        return np.asarray(self.anchor_px[1] - rise, np.float32)

    def depth_at(self, row_px: Plane) -> Plane:
        """Depth Y of surface points seen in these rows; rows at or above the horizon give a very large
        depth."""
        rise = (self.anchor_px[1] - row_px) / self.px_per_cm
        per_cm = self.pitch_sin - rise * self.pitch_cos / self.distance_cm
        return np.asarray(rise / np.maximum(per_cm, 1e-3), np.float32)

    def locate(self, column_px: Plane, row_px: Plane, view_cm: Plane) -> tuple[Plane, Plane, Plane]:
        """X, Y, Z of what is seen at a pixel at ``view_cm`` along the view axis."""
        per_px = view_cm / (self.px_per_cm * self.distance_cm)
        x = (column_px - self.anchor_px[0]) * per_px
        up = (self.anchor_px[1] - row_px) * per_px
        along = view_cm - self.distance_cm
        return x, up * self.pitch_sin + along * self.pitch_cos, up * self.pitch_cos - along * self.pitch_sin


def camera_of(scene: Scene, frame: Frame) -> Camera:
    """The camera that took the framed plate."""
    pitch = math.radians(scene.camera_pitch_deg)
    to_horizon_px = frame.anchor_px[1] - frame.horizon_px
    return Camera(
        anchor_px=frame.anchor_px,
        px_per_cm=frame.px_per_cm,
        pitch_sin=math.sin(pitch),
        pitch_cos=math.cos(pitch),
        distance_cm=to_horizon_px / (frame.px_per_cm * math.tan(pitch)),
    )
