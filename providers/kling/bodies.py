"""What is asked of Kling, in the words of both generations (Kling: image-to-video and text-to-video pages).

Sound is off, several shots are off, and no watermark is drawn: kling-3.0 cuts between shots unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from providers.kling.models import Choice, Generation

_ASPECTS: Mapping[str, float] = {"16:9": 16 / 9, "1:1": 1.0, "9:16": 9 / 16}


@dataclass(frozen=True, slots=True)
class Order:
    """One video. ``picture`` is its first frame as raw base64, empty for a video from words, whose shape is that of
    ``size_px``. ``callback_url`` may be empty.
    """

    choice: Choice
    prompt: str
    length_s: int
    size_px: tuple[int, int]
    external_id: str
    picture: str = ""
    callback_url: str = ""

    def path(self) -> str:
        if self.choice.model.generation is Generation.LEGACY:
            return f"/v1/videos/{'image2video' if self.picture else 'text2video'}"
        return f"/{'image-to-video' if self.picture else 'text-to-video'}/{self.choice.model.name}"

    def body(self) -> dict[str, Any]:
        return self._legacy() if self.choice.model.generation is Generation.LEGACY else self._new()

    def _new(self) -> dict[str, Any]:
        settings: dict[str, Any] = {"resolution": self.choice.resolution, "duration": self.length_s}
        if self.choice.model.has_switches:
            settings |= {"audio": "off", "multi_shot": False}
        options: dict[str, Any] = {"external_task_id": self.external_id, "watermark_info": {"enabled": False}}
        if self.callback_url:
            options["callback_url"] = self.callback_url
        if not self.picture:
            settings["aspect_ratio"] = nearest_aspect(self.size_px)
            return {"prompt": self.prompt, "settings": settings, "options": options}
        contents = [
            {"type": "prompt", "text": self.prompt},
            {"type": "first_frame", "url": self.picture},
        ]
        return {"contents": contents, "settings": settings, "options": options}

    def _legacy(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model_name": self.choice.model.name,
            "prompt": self.prompt,
            "duration": str(self.length_s),
            "external_task_id": self.external_id,
        }
        if self.choice.offer.mode:
            body["mode"] = self.choice.offer.mode
        if self.choice.model.has_switches:
            body["multi_shot"] = False
        if self.callback_url:
            body["callback_url"] = self.callback_url
        if self.picture:
            return {**body, "image": self.picture}
        return {**body, "aspect_ratio": nearest_aspect(self.size_px)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where jobs are asked after. A legacy place takes the job's id and the external id alike."""

    generation: Generation
    path: str

    def by_id(self, job_id: str) -> tuple[str, dict[str, str]]:
        """Path and query."""
        if self.generation is Generation.NEW:
            return self.path, {"task_ids": job_id}
        return f"{self.path}/{quote(job_id, safe='')}", {}

    def by_external_id(self, external_id: str) -> tuple[str, dict[str, str]]:
        """Path and query."""
        if self.generation is Generation.NEW:
            return self.path, {"external_task_ids": external_id}
        return self.by_id(external_id)


LEGACY_PLACES = (
    Place(Generation.LEGACY, "/v1/videos/image2video"),
    Place(Generation.LEGACY, "/v1/videos/text2video"),
)
NEW_PLACE = Place(Generation.NEW, "/tasks")


def places_of(generation: Generation | None) -> tuple[Place, ...]:
    """Where a job of this generation may be; None: anywhere."""
    if generation is Generation.NEW:
        return (NEW_PLACE,)
    return LEGACY_PLACES if generation is Generation.LEGACY else (*LEGACY_PLACES, NEW_PLACE)


def nearest_aspect(size_px: tuple[int, int]) -> str:
    wanted = size_px[0] / size_px[1]
    return min(_ASPECTS, key=lambda name: max(wanted, _ASPECTS[name]) / min(wanted, _ASPECTS[name]))
