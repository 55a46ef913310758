"""A cut-out as a file: PNG with alpha, and where it stood in its photo as JSON in a text chunk."""

from __future__ import annotations

import io
import json

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from skuflow.studio.picture import Cutout, StudioError

_CHUNK = "skuflow-cutout"


def to_png(cutout: Cutout) -> bytes:
    """The cut-out with all its fields."""
    notes = PngInfo()
    notes.add_itxt(
        _CHUNK,
        json.dumps(
            {
                "box_px": list(cutout.box_px),
                "photo_size_px": list(cutout.photo_size_px),
                "touches": sorted(cutout.touches),
                "confidence_ratio": cutout.confidence_ratio,
                "measures": dict(cutout.measures),
            }
        ),
    )
    buffer = io.BytesIO()
    Image.fromarray(cutout.rgba, "RGBA").save(buffer, "PNG", pnginfo=notes, compress_level=3)
    return buffer.getvalue()


def from_png(data: bytes) -> Cutout:
    """The cut-out that ``to_png`` wrote. Raises StudioError for any other file."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        text = getattr(image, "text", {}).get(_CHUNK)
        if text is None or image.mode != "RGBA":
            raise StudioError("CUTOUT_FILE", "this is no cut-out that skuflow wrote; delete it and run again")
        rgba = np.array(image)
    notes = json.loads(text)
    left, top, right, bottom = notes["box_px"]
    width, height = notes["photo_size_px"]
    return Cutout(
        rgba=rgba,
        box_px=(left, top, right, bottom),
        photo_size_px=(width, height),
        touches=frozenset(notes["touches"]),
        confidence_ratio=notes["confidence_ratio"],
        measures=notes["measures"],
    )
