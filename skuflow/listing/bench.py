"""What the parts of one kit are made from: the makings, the earlier kit, and the final files in storage."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from skuflow.catalog.intake import Intake
from skuflow.jobs.contract import Slot
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.ledger.views import Totals
from skuflow.listing.developing import AI_LABEL
from skuflow.listing.kit import Kit, KitCopy, KitImage, KitVideo, LabelledFile
from skuflow.listing.planning import KitPlan
from skuflow.listing.storyboard import Storyboard
from skuflow.quality.kit_scores import MEASURES
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.labels.origin import Origin, label_in

if TYPE_CHECKING:
    from skuflow.studio.picture import Cutout, Pixels


SIZE_LABEL = re.compile(r"\d+x\d+")
"""Results that are pictures or videos in a size; others are labelled by what they are."""


@dataclass(frozen=True, slots=True)
class Makings:
    """What a kit is assembled from. ``storyboards`` are those of the videos that this run has made."""

    plan: KitPlan
    intake: Intake
    outcomes: Mapping[Slot, Outcome]
    storyboards: Mapping[Slot, Storyboard]
    totals: Totals
    made_for: Mapping[str, str]
    previous: Kit | None


@dataclass(slots=True)
class Bench:
    """What is read once and used by several parts."""

    store: ObjectStore
    makings: Makings
    _cutout: Cutout | None = None

    def cutout(self) -> Cutout | None:
        """The product's cut-out, None where this run needed no picture."""
        stored = self.makings.intake.cutout
        if self._cutout is None and stored is not None:
            from skuflow.studio.cutout_png import from_png

            self._cutout = from_png(self.store.get(stored.key))
        return self._cutout


def made(slots: Sequence[Slot], outcomes: Mapping[Slot, Outcome]) -> list[tuple[Slot, Outcome]]:
    """Those of the slots that are made, with their outcomes."""
    return [
        (slot, outcomes[slot])
        for slot in slots
        if slot in outcomes and outcomes[slot].state is OutcomeState.MADE
    ]


def file_of(stored: StoredObject) -> str:
    """The file's name beside kit.json."""
    return PurePosixPath(stored.key).name


def before(bench: Bench, part: str, job_id: str) -> KitCopy | KitImage | KitVideo | None:
    """The part as the previous kit has it, if the same job made it and it was measured as it would be now."""
    previous = bench.makings.previous
    if previous is None or previous.measures != MEASURES:
        return None
    copies = {(copy.part, copy.job_id): copy for copy in previous.copy_}
    images = {(image.id, image.job_id): image for image in previous.images}
    videos = {(video.id, video.job_id): video for video in previous.videos}
    return copies.get((part, job_id)) or images.get((part, job_id)) or videos.get((part, job_id))


ORIGINS = (Origin.PHOTO, Origin.COMPOSITE, Origin.COMPOSITE_WITH_MODEL, Origin.MODEL)
"""The later, the more of the picture is made up."""


def origin_of(data: bytes) -> Origin:
    """What a finished file says of its origin; a file that says nothing is taken for a model's work."""
    label = label_in(data)
    return Origin.MODEL if label is None else label.origin


def labelled_files(bench: Bench, outcome: Outcome) -> tuple[LabelledFile, ...]:
    """The files with a label that people see."""
    wanted = bench.makings.plan.visible
    if wanted is None:
        return ()
    return tuple(
        LabelledFile(
            file=file_of(result.object),
            width=width,
            height=height,
            bytes=result.object.size_bytes,
            sha256=result.object.sha256,
            markets=wanted.markets,
        )
        for result in outcome.results
        if result.label.endswith(AI_LABEL)
        for width, height in [size_of(result.label.removesuffix(AI_LABEL))]
    )


def size_of(label: str) -> tuple[int, int]:
    """(width, height) in pixels of a result labelled "800x800"."""
    width, _, height = label.partition("x")
    return int(width), int(height)


def decode(data: bytes, mode: str = "RGB") -> Pixels:
    """The pixels of a finished picture."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.array(image.convert(mode))
