"""The models that wanx offers: what each can make, what it costs, what it takes.

Prices: Model Studio, page "model-pricing", mainland, as copied on 2026-11-20 from its state of about the second quarter
of 2026; those of the videos from a third party's copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from providers.wire.inputs import PictureLimits
from providers.wire.prices import Price
from skuflow.jobs.contract import Tempo

PROVIDER = "wanx"

_READ_ON = date(2026, 11, 20)
_MAX_PICTURE_BYTES = 10_000_000
"""The pages say 10 MB; taken as decimal, so that either reading of it holds."""


class Work(StrEnum):
    """What can be asked for; the values stand in sentences."""

    SCENE = "a scene of the product"
    EXTENSION = "an extended photo"
    MODEL = "a picture of the product with a person"
    LINE_ART = "a picture made from a drawing"
    CONCEPT = "a picture from words alone"
    VIDEO = "a video"


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    ``path``: below the base URL. ``prices``: by resolution, "" where it makes no difference. ``at_once``: answers with
    the result instead of a task. ``keeps_geometry``: the product stands in the result where it was laid out.
    ``inputs``: what a picture must be like, None where it takes none or the cut-out with alpha. ``inlines``: takes
    pictures inside the request (data URI). ``takes_seed``: a number decides on what chance does. ``prompt_chars``:
    what is longer is refused or cut off by the vendor. ``area_px``: least and most pixels of the picture, where a size
    is asked for; ``sides_px`` the same for a side.
    """

    name: str
    path: str
    works: frozenset[Work]
    prices: Mapping[str, Price]
    tempo: Tempo
    prompt_chars: int
    inputs: PictureLimits | None = None
    at_once: bool = False
    keeps_geometry: bool = False
    inlines: bool = True
    takes_seed: bool = True
    area_px: tuple[int, int] | None = None
    sides_px: tuple[int, int] | None = None
    poll_after_s: float = 10.0


def _image(cny: str) -> Mapping[str, Price]:
    return {"": Price(Decimal(cny), "image", "Model Studio, page model-pricing", _READ_ON)}


def _video(cny_720p: str, cny_1080p: str) -> Mapping[str, Price]:
    source = "Model Studio, page model-pricing, as copied by a third party"
    return {
        resolution: Price(Decimal(cny), "second", source, _READ_ON, confirmed=False)
        for resolution, cny in (("720P", cny_720p), ("1080P", cny_1080p))
    }


def _tempo(
    model: str, parallel: int = 4, most: int = 64, first_s: float = 10.0, *, shared: bool = False
) -> Tempo:
    """Two submits a second is the limit of every picture model whose limit is published (page "rate-limit"); the
    others start with it and with 4 jobs in work, and learn from there. ``shared``: the number in work is published, and
    what is beyond it queues, so that all processes of an account must share the places.
    """
    return Tempo(
        f"dashscope:{model}", parallel, most, submit_interval_s=0.6, first_poll_s=first_s, shared=shared
    )


_EDITS = frozenset((Work.SCENE, Work.MODEL, Work.LINE_ART))
_VIDEO_PATH = "/services/aigc/video-generation/video-synthesis"
_VIDEO_INPUTS = PictureLimits(_MAX_PICTURE_BYTES, 240, 8000)

_ROWS = (
    Model(
        # Page "wanx-background-generation-api-reference"; limits: page "rate-limit" (2 submits a second, 1 in work, the
        # rest queues at the vendor: a short queue keeps it busy, a long one would only age).
        name="wanx-background-generation-v2",
        path="/services/aigc/background-generation/generation/",
        works=frozenset((Work.SCENE,)),
        prices=_image("0.08"),
        tempo=_tempo("wanx-background-generation-v2", 4, 4, shared=True),
        prompt_chars=1000,
        keeps_geometry=True,
        inlines=False,
        takes_seed=False,
    ),
    Model(
        # Page "wan2.5 image edit". Limits of this model: unconfirmed.
        name="wan2.5-i2i-preview",
        path="/services/aigc/image2image/image-synthesis",
        works=_EDITS,
        prices=_image("0.20"),
        tempo=_tempo("wan2.5-i2i-preview"),
        prompt_chars=2000,
        inputs=PictureLimits(_MAX_PICTURE_BYTES, 384, 5000),
        area_px=(768 * 768, 1280 * 1280),
    ),
    Model(
        # Page "qwen-image-edit-api". The longest prompt and the rate limits are unconfirmed.
        name="qwen-image-edit-plus",
        path="/services/aigc/multimodal-generation/generation",
        works=_EDITS,
        prices=_image("0.20"),
        tempo=_tempo("qwen-image-edit-plus", first_s=0.0),
        prompt_chars=800,
        inputs=PictureLimits(_MAX_PICTURE_BYTES, 384, 3072),
        at_once=True,
        sides_px=(512, 2048),
    ),
    Model(
        # Page "text-to-image-v2-api-reference". Limits of this model: unconfirmed.
        name="wan2.6-t2i",
        path="/services/aigc/image-generation/generation",
        works=frozenset((Work.CONCEPT,)),
        prices=_image("0.20"),
        tempo=_tempo("wan2.6-t2i"),
        prompt_chars=2100,
        area_px=(1280 * 1280, 1440 * 1440),
    ),
    Model(
        # Page "image out-painting"; limits: page "rate-limit" (2 submits a second, 5 in work).
        name="image-out-painting",
        path="/services/aigc/image2image/out-painting",
        works=frozenset((Work.EXTENSION,)),
        prices=_image("0.18"),
        tempo=_tempo("image-out-painting", 5, 8, shared=True),
        prompt_chars=0,
        inputs=PictureLimits(_MAX_PICTURE_BYTES, 512, 4096),
        takes_seed=False,
    ),
    Model(
        # Page "image-to-video-api-reference". Limits of this model: unconfirmed.
        name="wan2.6-i2v",
        path=_VIDEO_PATH,
        works=frozenset((Work.VIDEO,)),
        prices=_video("0.60", "1.00"),
        tempo=_tempo("wan2.6-i2v", first_s=30.0),
        prompt_chars=1500,
        inputs=_VIDEO_INPUTS,
        poll_after_s=15.0,
    ),
    Model(
        # As above; the prices are those of videos without sound, which is what is asked for.
        name="wan2.6-i2v-flash",
        path=_VIDEO_PATH,
        works=frozenset((Work.VIDEO,)),
        prices=_video("0.15", "0.25"),
        tempo=_tempo("wan2.6-i2v-flash", first_s=30.0),
        prompt_chars=1500,
        inputs=_VIDEO_INPUTS,
        poll_after_s=15.0,
    ),
)

MODELS: Mapping[str, Model] = {model.name: model for model in _ROWS}

DEFAULTS: Mapping[Work, str] = {
    Work.SCENE: "wanx-background-generation-v2",
    Work.EXTENSION: "image-out-painting",
    Work.MODEL: "wan2.5-i2i-preview",
    Work.LINE_ART: "wan2.5-i2i-preview",
    Work.CONCEPT: "wan2.6-t2i",
    Work.VIDEO: "wan2.6-i2v",
}
