"""What the tests of jimeng and ark share: wishes with real pictures, and a server that answers as it is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from providers.emulators.core.http import Answer, Break, Incoming
from skuflow.jobs.contract import (
    CreationRequest,
    ImageRequest,
    ImageTask,
    JobHandle,
    JobStatus,
    Provider,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.listing.storyboard import make_storyboard
from skuflow.storage.objects import ObjectStore, StoredObject
from skuflow.studio.cutout_png import to_png
from skuflow.studio.picture import Cutout
from tests.money import product

SECRETS = ("AKCANARY", "SKCANARY", "ARKCANARY")


class LinkedStore:
    """A folder whose objects have public addresses, as a bucket's do."""

    def __init__(self, folder: ObjectStore) -> None:
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._folder, name)

    def url(self, key: str, valid_s: int = 3600) -> str:
        return f"https://bucket.example.com/{key}?Expires={valid_s}&Signature=x"


class Site:
    """Answers each request with the next of ``answers``, the last one again and again; remembers what was asked."""

    def __init__(self, *answers: Answer | Break | Callable[[Incoming], Answer]) -> None:
        self.base_url = ""
        self.crashes: list[BaseException] = []
        self.asked: list[Incoming] = []
        self._answers = list(answers)

    async def react(self, request: Incoming) -> Answer | Break:
        self.asked.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(request) if callable(answer) else answer

    async def close(self) -> None:
        return None


def picture(size_px: tuple[int, int], colour: str = "teal", form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size_px, colour).save(buffer, form)
    return buffer.getvalue()


@cache
def _cutout() -> bytes:
    rgba = np.zeros((240, 200, 4), np.uint8)
    rgba[10:230, 10:190] = (40, 90, 170, 255)
    return to_png(Cutout(rgba, (100, 50, 300, 290), (400, 400), frozenset(), 1.0))


def stored(store: ObjectStore, name: str, data: bytes | None = None) -> StoredObject:
    return store.put(f"in/{name}.png", picture((360, 640)) if data is None else data, "image/png")


def scene(store: ObjectStore, **changes: Any) -> ImageRequest:
    values: dict[str, Any] = {
        "slot": Slot("MUG-1", "image:scene"),
        "product": product(),
        "photo": stored(store, "photo"),
        "cutout": stored(store, "cutout", _cutout()),
        "style": "kitchen",
        "sizes_px": ((800, 800),),
    }
    return ImageRequest(**{**values, **changes})


def creation(store: ObjectStore, task: ImageTask, pictures: int, **changes: Any) -> CreationRequest:
    values: dict[str, Any] = {
        "slot": Slot("MUG-1", f"image:{task}"),
        "product": product(),
        "task": task,
        "pictures": tuple(stored(store, f"given-{number}") for number in range(pictures)),
    }
    return CreationRequest(**{**values, **changes})


def video(store: ObjectStore, *, frames: int = 1, duration_s: float = 5.0, **changes: Any) -> VideoRequest:
    frame = SceneFrame(style="kitchen", picture=stored(store, "frame"), provider="offline")
    values: dict[str, Any] = {
        "slot": Slot("MUG-1", "video"),
        "product": product(),
        "photo": stored(store, "photo"),
        "cutout": stored(store, "cutout", _cutout()),
        "frames": (frame,) * frames,
        "storyboard": make_storyboard(["kitchen"], duration_s=duration_s),
        "size_px": (1080, 1920),
    }
    return VideoRequest(**{**values, **changes})


async def finish(provider: Provider, handle: JobHandle, polls: int = 2000) -> JobStatus:
    import asyncio

    for _ in range(polls):
        status = await provider.poll(handle)
        if status.state.is_terminal:
            return status
        await asyncio.sleep(0.003)
    raise AssertionError(f"no end after {polls} polls")
