"""The kit: everything one SKU needs to be listed. ``docs/kit.schema.json`` is generated from these models."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from skuflow.catalog.product import Product
from skuflow.listing.copywriting import ListingCopy
from skuflow.listing.findings import Finding
from skuflow.listing.storyboard import Shot

SCHEMA = "skuflow.kit/1"


class KitStatus(StrEnum):
    NEEDS_REVIEW = "needs_review"
    APPROVED = "approved"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    DEFERRED = "deferred"
    FAILED = "failed"


class PartState(StrEnum):
    MADE = "made"
    WAITING = "waiting"
    FAILED = "failed"
    SKIPPED = "skipped"


NOT_ASKED_FOR = "its stage was not asked for"
"""Reason of a part that is skipped since nobody wanted it, unlike one that no configured provider can make."""


class ImageRole(StrEnum):
    MAIN = "main"
    SCENE = "scene"
    DETAIL = "detail"
    COMPARISON = "comparison"
    USAGE = "usage"
    BANNER = "banner"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Part(_Model):
    """One thing the kit consists of: ``part`` is "copy:es", "image:main:1", "image:scene:2", "video:1", or for an
    opinion "judge:" and the part that is judged. A missing opinion is skipped, whatever the reason: it keeps no kit
    back.
    """

    part: str
    state: PartState
    reason: str | None = None


class Rendition(_Model):
    """One file of an image. ``file`` is relative to kit.json; ``fits`` lists "marketplace.use" of the rules."""

    file: str
    width: int
    height: int
    bytes: int
    format: str
    sha256: str
    fits: tuple[str, ...] = ()


class LabelledFile(_Model):
    """The same picture or video with a label that people see ("AI"), for the ``markets`` whose law asks for one."""

    file: str
    width: int
    height: int
    bytes: int
    sha256: str
    markets: tuple[str, ...]


class Opinion(_Model):
    """Who judged a part, where a judge is named; an opinion is shown and never scored."""

    provider: str
    model: str
    job_id: str


class PictureOpinion(Opinion):
    """What a model thinks of a scene beside the product's photo; points 0-100, more is better."""

    identity: int = Field(ge=0, le=100, description="The same product in every detail.")
    realism: int = Field(ge=0, le=100, description="Light, contact and size as in a photograph.")
    cleanliness: int = Field(ge=0, le=100, description="No stray objects, smears, halos, garbled text.")
    reason: str


class CopyOpinion(Opinion):
    """Whether a model found copy to say what the product's data say; where not, findings JUDGE_COPY tell what."""

    ok: bool


class KitCopy(ListingCopy):
    """The copy of one language with what was measured of it and who wrote it."""

    part: str
    provider: str
    model: str
    job_id: str
    scores: dict[str, float] = Field(default_factory=dict)
    judgement: CopyOpinion | None = None


class KitImage(_Model):
    """One picture in all its shapes. ``scores`` holds "overall" (0-100) and the measured values behind it."""

    id: str
    role: ImageRole
    content_type: str = Field(
        default="",
        description="main, scene, model, line_art, concept or extended: how the picture came about.",
    )
    style: str | None
    provider: str
    model: str
    job_id: str
    renditions: tuple[Rendition, ...]
    origin: str = Field(
        default="",
        description="IPTC digital source type, as it stands in the files: how the picture was made.",
    )
    labelled: tuple[LabelledFile, ...] = ()
    scores: dict[str, float] = Field(default_factory=dict)
    judgement: PictureOpinion | None = None
    findings: tuple[Finding, ...] = ()


class KitVideo(_Model):
    id: str
    content_type: str = Field(default="video", description="video, or atmosphere for a video of mood.")
    file: str
    width: int
    height: int
    duration_s: float
    fps: float
    codec: str
    bytes: int
    sha256: str
    origin: str = Field(default="", description="IPTC digital source type, as it stands in the file.")
    labelled: tuple[LabelledFile, ...] = ()
    storyboard: tuple[Shot, ...]
    provider: str
    model: str
    job_id: str
    fits: tuple[str, ...] = ()
    scores: dict[str, float] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


class Scores(_Model):
    """0-100, None where nothing of that kind was made."""

    overall: float | None = None
    copy_: float | None = Field(default=None, alias="copy", serialization_alias="copy")
    images: float | None = None
    video: float | None = None

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class KitCoherence(_Model):
    """Whether image, title, keywords and languages tell one story: the mean of ``parts`` (0..1), of which only those
    are there that could be judged.
    """

    ratio: float
    parts: dict[str, float] = Field(default_factory=dict)


class Cost(_Model):
    """Decimal strings in CNY."""

    currency: Literal["CNY"] = "CNY"
    estimated: str = "0"
    settled: str = "0"


class Kit(_Model):
    """kit.json. ``kit_id`` changes when, and only when, something in the kit changed."""

    schema_: Literal["skuflow.kit/1"] = Field(
        default="skuflow.kit/1", alias="schema", serialization_alias="schema"
    )
    sku: str
    kit_id: str
    created_at: str
    status: KitStatus
    product: Product
    findings: tuple[Finding, ...] = ()
    parts: tuple[Part, ...] = ()
    copy_: tuple[KitCopy, ...] = Field(default=(), alias="copy", serialization_alias="copy")
    images: tuple[KitImage, ...] = ()
    videos: tuple[KitVideo, ...] = ()
    detail_page: dict[str, Any] | None = None
    scores: Scores = Scores()
    coherence: KitCoherence | None = None
    cost: Cost = Cost()
    measures: int = Field(default=0, description="Which generation of measures the scores were taken by.")
    made_for: dict[str, str] = Field(
        default_factory=dict,
        description='Digests of what the product and each stage were made for; "bytes" is that of the limits which'
        " pictures have more bytes than, although they were encoded for them.",
    )

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    @property
    def files(self) -> tuple[NamedFile, ...]:
        """Every file that the kit names, in its order."""
        named: list[NamedFile] = []
        for image in self.images:
            named.extend((*image.renditions, *image.labelled))
        for video in self.videos:
            named.extend((video, *video.labelled))
        return tuple(named)


NamedFile = Rendition | LabelledFile | KitVideo
