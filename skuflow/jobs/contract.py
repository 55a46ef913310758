"""The contract between skuflow and whoever does the work: requests, handles, states, the provider interface.

A request names its inputs by objects in storage; a result is one or more artifacts (bytes), which the runner copies to
storage the moment it sees them. Text is an artifact too (JSON of ``ListingCopy``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from skuflow.catalog.product import Product
from skuflow.jobs.errors import ProviderError
from skuflow.listing.storyboard import Storyboard
from skuflow.storage.objects import StoredObject

DEFAULT_MARKETPLACE = "aliexpress"
"""The marketplace that copy is written for when none is named; its parts carry no suffix."""

MicroCNY = int
"""Money inside the program: millionths of a yuan."""


class Capability(StrEnum):
    """What can be asked for; the names used in SKUFLOW_PROVIDERS and SKUFLOW_CAPS."""

    COPY = "copy"
    IMAGE = "image"
    VIDEO = "video"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Slot:
    """The place in a kit that a job fills: at most one live or succeeded job, across all providers.

    ``role`` is "copy", "image:main", "image:scene", "image:model", "image:line_art", "image:concept", "video",
    "video:atmosphere", or "judge:" before the role that is judged; ``shot`` counts from 1 within a role.
    ``marketplace`` is set where the result depends on it (copy). Fields that do not apply are empty.
    """

    sku: str
    role: str
    shot: int = 1
    market: str = ""
    language: str = ""
    marketplace: str = ""

    @property
    def part(self) -> str:
        """The part's name in kit.json: "copy:es", "copy:es:amazon", "image:scene:2", "video:1"."""
        if self.language:
            suffix = "" if self.marketplace == DEFAULT_MARKETPLACE else f":{self.marketplace}"
            return f"{self.role}:{self.language}{suffix}"
        return f"{self.role}:{self.shot}"

    @property
    def capability(self) -> Capability:
        """What a provider must be able to do to fill it."""
        return Capability(self.role.partition(":")[0])

    @property
    def content_type(self) -> str:
        """What kind of content it is, as routing rules name it: "scene", "atmosphere", "copy", "video"."""
        return self.role.rpartition(":")[2]

    def key(self) -> str:
        """The slot as one string, unique per slot, for the ledger's index."""
        return "|".join((self.sku, self.role, str(self.shot), self.market, self.language, self.marketplace))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every request has. ``model`` may be empty: the provider's default. ``rewritten``: asked for a second time,
    in plainer words, after the vendor rejected the content; the wish is the same.

    ``fingerprint`` covers what was asked (contents by digest, options), never addresses and never text that another
    job generated, so that the same wish has the same fingerprint tomorrow.
    """

    capability: ClassVar[Capability]

    slot: Slot
    product: Product
    model: str = ""
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    rewritten: bool = False

    units: ClassVar[int] = 1
    """Paid generations that the vendor counts for this request."""

    def identity(self) -> dict[str, Any]:
        """The JSON-safe facts that the fingerprint is made of."""
        return {
            "capability": self.capability.value,
            "slot": self.slot.key(),
            "facts": self.product.facts_digest(),
            "options": dict(self.options),
        }

    def look(self) -> str:
        """Hex SHA-256 of what decides the composition, equal for requests whose results are meant to look alike; empty
        where looks do not matter.
        """
        traits = self.traits()
        if traits is None:
            return ""
        named = [self.slot.sku, self.slot.role, traits]
        return hashlib.sha256(json.dumps(named, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    def traits(self) -> dict[str, Any] | None:
        """What of ``identity`` decides the composition; None where looks do not matter."""
        return None

    def fingerprint(self) -> str:
        return hashlib.sha256(
            json.dumps(self.identity(), ensure_ascii=False, sort_keys=True).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyRequest(Request):
    """Copy in one language for one marketplace, with the script for ``shots`` storyboard shots."""

    capability: ClassVar[Capability] = Capability.COPY

    language: str
    marketplace: str
    market: str | None = None
    shots: int = 3

    def identity(self) -> dict[str, Any]:
        return {**Request.identity(self), "shots": self.shots}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest(Request):
    """One picture of the product in one style.

    ``photo``: the source photo. ``cutout``: the product as RGBA PNG, cropped to the product, as ``skuflow.studio``
    made it. ``style``: a style id of ``skuflow.listing.styles``, empty for the white main image. ``prompt``: what a
    generative vendor is told (not part of the fingerprint: it is derived). ``sizes_px``: the shapes wanted; a provider
    returns those it can, at least one, and the studio makes the rest.
    ``width_cm`` / ``height_cm``: the product's true size where known.
    """

    capability: ClassVar[Capability] = Capability.IMAGE

    photo: StoredObject
    cutout: StoredObject
    style: str
    prompt: str = ""
    sizes_px: tuple[tuple[int, int], ...]
    width_cm: float | None = None
    height_cm: float | None = None

    def identity(self) -> dict[str, Any]:
        return {
            **Request.identity(self),
            # The picture does not change when a word of the product's text does.
            "facts": "",
            "photo": self.photo.sha256,
            "style": self.style,
            "sizes_px": [list(size) for size in self.sizes_px],
            "size_cm": [self.width_cm, self.height_cm],
        }

    def traits(self) -> dict[str, Any] | None:
        # The main image is the photo on white: it always looks the same, and has to.
        if not self.style and not self.options:
            return None
        return {"photo": self.photo.sha256, "style": self.style, "options": dict(self.options)}


class ImageTask(StrEnum):
    """A picture that is not a scene of the cut-out product; each is a part of the kit by this name."""

    MODEL = "model"
    LINE_ART = "line_art"
    CONCEPT = "concept"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationRequest(Request):
    """A picture that a vendor creates: the product with a person, a drawing made real, an idea from words alone.

    ``pictures`` by task: MODEL: the product's photo, then the chosen person's photo where there is one; LINE_ART: the
    drawing; CONCEPT: none. ``description`` is the user's own wish; ``prompt`` is what the vendor is told (derived).
    ``size_px`` is a wish: the vendor's nearest shape is the result, labelled "original".
    """

    capability: ClassVar[Capability] = Capability.IMAGE

    task: ImageTask
    pictures: tuple[StoredObject, ...] = ()
    description: str = ""
    prompt: str = ""
    size_px: tuple[int, int] = (1280, 1280)

    def identity(self) -> dict[str, Any]:
        return {
            **Request.identity(self),
            "facts": self.product.facts_digest() if self.task is ImageTask.CONCEPT else "",
            "task": self.task.value,
            "pictures": [picture.sha256 for picture in self.pictures],
            "description": self.description,
            "size_px": list(self.size_px),
        }

    def traits(self) -> dict[str, Any] | None:
        return {
            "pictures": [picture.sha256 for picture in self.pictures],
            "description": self.description,
            "options": dict(self.options),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest(Request):
    """An opinion on a finished part, as one JSON object: a measure beside others, never a gate alone.

    ``picture`` beside ``reference`` (the product's photo): is it the same product, does it look real. ``text``: the
    stored ``ListingCopy`` of one language: does it say what the product's facts say, and nothing else.
    """

    capability: ClassVar[Capability] = Capability.JUDGE

    picture: StoredObject | None = None
    reference: StoredObject | None = None
    text: StoredObject | None = None

    def identity(self) -> dict[str, Any]:
        judged = (self.picture, self.reference, self.text)
        return {**Request.identity(self), "judged": [stored.sha256 if stored else "" for stored in judged]}


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneFrame:
    """A made scene image that a video may use: its style and the finished picture in the video's shape."""

    style: str
    picture: StoredObject
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest(Request):
    """A short video. ``frames[0].picture`` is its first frame; ``storyboard`` comes from the copy stage.

    ``motion`` names a preset of ``skuflow.listing.motions``, empty: the category's own. ``description`` is the user's
    wish for an atmosphere shot. The fingerprint covers the photo, the styles and the technical wishes, not the
    storyboard's words.
    """

    capability: ClassVar[Capability] = Capability.VIDEO

    frames: tuple[SceneFrame, ...]
    cutout: StoredObject
    photo: StoredObject
    storyboard: Storyboard
    size_px: tuple[int, int]
    captions_language: str = ""
    prompt: str = ""
    motion: str = ""
    description: str = ""
    width_cm: float | None = None
    height_cm: float | None = None

    def identity(self) -> dict[str, Any]:
        return {
            **Request.identity(self),
            "facts": "",
            "photo": self.photo.sha256,
            "styles": [frame.style for frame in self.frames],
            "size_px": list(self.size_px),
            "duration_s": self.storyboard.duration_s,
            "captions_language": self.captions_language,
            # Left out where empty, so that the fingerprints of plain videos stay what they were.
            **({"motion": self.motion} if self.motion else {}),
            **({"description": self.description} if self.description else {}),
        }

    def traits(self) -> dict[str, Any] | None:
        return {
            "photo": self.photo.sha256,
            "styles": [frame.style for frame in self.frames],
            "size_px": list(self.size_px),
            "motion": self.motion,
            "description": self.description,
            "options": dict(self.options),
        }


class JobState(StrEnum):
    """A job at the vendor."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_terminal(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobHandle:
    """What identifies a job at its vendor; JSON-safe, written to the ledger before the first poll."""

    provider: str
    model: str
    job_id: str
    vendor_request_id: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One result of a job, still at the vendor. ``label`` tells results of one job apart; ``reference`` is the
    vendor's address or id, for ``Provider.fetch`` only and never logged.

    Labels: "copy" and "judgement" (JSON); "800x800" and so on for a picture or video in an asked size; "canvas" for a
    scene in which the product stands, unmoved, where ``skuflow.studio.developing.canvas`` laid it out; "original" for
    any other picture or video of a vendor, from which the studio makes the sizes.
    """

    label: str
    media_type: str
    reference: str


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A vendor's answer to "how is it going". A failed job is data, not an exception.

    ``cost``: what the vendor charged, None where it does not say (the estimate is settled then).
    ``charged``: whether a FAILED, CANCELED or EXPIRED job is owed by the vendor's terms.
    ``poll_after_s``: how long the vendor advises to wait. ``took_s``: how long a finished job was in work, by the
    vendor's own clock, None where it does not say.
    """

    state: JobState
    raw_state: str
    artifacts: tuple[Artifact, ...] = ()
    error: ProviderError | None = None
    cost: MicroCNY | None = None
    charged: bool = False
    poll_after_s: float = 5.0
    took_s: float | None = None


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast a vendor may be asked. ``pool`` names what the limits belong to (an account's model, say): requests of
    one pool share them. ``parallel``: jobs in work at once to begin with, None: as many as there are; a refusal
    teaches less, successes teach more, up to ``parallel_most``; of jobs that last all processes learn it together.
    ``submit_interval_s``: pause between two submits. ``first_poll_s``: how long after a submit the first poll makes
    sense; 0 where the answer is there at once.
    ``shared``: ``parallel_most`` is the account's, over all processes, since the vendor lets what is beyond it queue
    instead of refusing it.
    """

    pool: str
    parallel: int | None = None
    parallel_most: int = 64
    submit_interval_s: float = 0.0
    first_poll_s: float = 0.0
    shared: bool = False


@runtime_checkable
class Provider(Protocol):
    """One vendor. Knows nothing of Prefect, ledger or retries; never sleeps; never repeats a submit.

    ``name`` is lower-case and stable, since it is in the ledger. ``paid`` is False only where nothing can ever be
    owed. ``can_find`` says whether None from ``find`` proves that a submit did not arrive.
    """

    name: str
    capabilities: frozenset[Capability]
    paid: bool
    can_find: bool

    def model_for(self, request: Request) -> str:
        """The model that would do it; it goes into the ledger."""
        ...

    def tempo(self, request: Request) -> Tempo:
        """The limits that the request is subject to."""
        ...

    def estimate(self, request: Request) -> MicroCNY:
        """An upper bound of what the vendor will charge. Raises InvalidInputError for what it cannot do."""
        ...

    async def submit(self, request: Request, *, idempotency_key: str) -> JobHandle:
        """Hand the work over once. Raises a refusal (nothing owed) or AmbiguousSubmitError (maybe owed)."""
        ...

    async def poll(self, handle: JobHandle) -> JobStatus:
        """Ask once. Raises only when asking failed; an unknown vendor state raises UnexpectedResponseError."""
        ...

    async def find(self, idempotency_key: str) -> JobHandle | None:
        """The job that was submitted under this key; None where there is none, as far as can be known."""
        ...

    async def fetch(self, artifact: Artifact) -> bytes:
        """The artifact's bytes. Raises JobExpiredError when the vendor no longer has them."""
        ...

    async def forget(self, handle: JobHandle) -> None:
        """The result is safe in storage: the vendor may drop what it kept. Best effort, never raises for a job gone."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A provider whose requests need slow and free work first, such as pictures made and uploaded. It is done before
    anything is written down, so that a process that is stopped meanwhile has left nothing in doubt.
    """

    async def prepare(self, request: Request) -> None:
        """Make ready what the next ``submit`` of this request needs; without it, ``submit`` does that itself.

        Raises TransientError or InvalidInputError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Expected:
    """What a calm run is charged for a request whose price is not fixed beforehand, in micro-CNY: at least, and most
    likely. ``Provider.estimate`` is what it can come to at most.
    """

    least: MicroCNY
    likely: MicroCNY


@runtime_checkable
class Expecting(Protocol):
    """A provider whose ``estimate`` is well above what it usually charges, such as one that bills by the token."""

    def expected(self, request: Request) -> Expected:
        """For plans only: nothing is held or settled by it. Raises InvalidInputError as ``estimate`` does."""
        ...
