"""Wishes for videos and a vendor with canned answers, for the tests of video providers."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image

from providers.emulators.core.http import Answer, Break, Incoming
from providers.workplace import Workplace
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import CopyRequest, SceneFrame, Slot, VideoRequest
from skuflow.listing.storyboard import make_storyboard
from skuflow.settings import Settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.objects import ObjectStore

MUG = Product(
    sku="MUG-1",
    titles={"zh": "陶瓷马克杯", "en": "Ceramic mug"},
    kind="mug",
    source=ProductSource(catalog="test"),
)


def workplace(folder: Path, **settings: Any) -> Workplace:
    """A workplace with a folder as storage and no setting from outside."""
    chosen = Settings(_env_file=None, skuflow_home=folder, **settings)
    return Workplace(chosen, FolderStore(folder / "storage"), ThreadPoolExecutor(1))


def video_wish(
    store: ObjectStore,
    *,
    frame_px: tuple[int, int] | None = (432, 768),
    duration_s: float = 5.0,
    size_px: tuple[int, int] = (1080, 1920),
    **more: Any,
) -> VideoRequest:
    """A wish for a video; ``frame_px`` None: without a first frame."""
    cutout = store.put("in/cutout.png", _picture((300, 300)), "image/png")
    frames: tuple[SceneFrame, ...] = ()
    if frame_px is not None:
        picture = store.put("in/frame.png", _picture(frame_px), "image/png")
        frames = (SceneFrame(style="kitchen", picture=picture, provider="offline"),)
    return VideoRequest(
        slot=Slot("MUG-1", "video"),
        product=more.pop("product", MUG),
        photo=cutout,
        cutout=cutout,
        frames=frames,
        storyboard=make_storyboard(("kitchen",), duration_s=duration_s),
        size_px=size_px,
        **more,
    )


def copy_wish() -> CopyRequest:
    return CopyRequest(
        slot=Slot("MUG-1", "copy", language="en"), product=MUG, language="en", marketplace="aliexpress"
    )


def _picture(size_px: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", size_px, (20, 120, 110, 200)).save(out, "PNG")
    return out.getvalue()


class Canned:
    """A vendor that answers by a table: method and path -> an answer, or a function of the request."""

    base_url = ""

    def __init__(self, answers: Mapping[str, Answer | Break | Callable[[Incoming], Answer]]) -> None:
        self.answers = dict(answers)
        self.seen: list[Incoming] = []
        self.crashes: list[BaseException] = []

    async def react(self, request: Incoming) -> Answer | Break:
        self.seen.append(request)
        answer = self.answers.get(f"{request.method} {request.path}", Answer(404, b"{}"))
        return answer(request) if callable(answer) else answer

    async def close(self) -> None:
        """Nothing is kept open."""
