"""What tests of the vendors' emulators share: a clock moved by hand, pictures, a receiver of callbacks."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from providers.emulators.core.http import Answer, Incoming


class Clock:
    """A wall clock that is moved by hand; it starts at 2026-11-20T12:00:00Z."""

    def __init__(self) -> None:
        self.at_s = 1_795_176_000.0

    def __call__(self) -> float:
        return self.at_s

    def advance(self, seconds: float) -> None:
        self.at_s += seconds


def picture(size_px: tuple[int, int] = (360, 640), form: str = "JPEG", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size_px, "teal").save(out, form)
    return out.getvalue()


ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2.5,
    10**30,
    "",
    "é",
    "²",
    [],
    [[]],
    [None],
    ["é"],
    {},
    {"url": 1},
    [{"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,é"}}],
    [{"type": []}],
)
"""What a client may send by mistake in any field."""


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def data_uri(data: bytes, form: str = "jpeg") -> str:
    return f"data:image/{form};base64,{base64_of(data)}"


def wait_until(true: Callable[[], object], within_s: float = 3.0) -> None:
    """Returns as soon as ``true()`` holds; fails after ``within_s``."""
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.002)


class Receiver:
    """An address that callbacks go to. ``echo``: what it answers to a body; the body itself by default."""

    def __init__(self, echo: Callable[[Any], Any] = lambda body: body) -> None:
        self.base_url = ""
        self.crashes: list[BaseException] = []
        self.bodies: list[Any] = []
        self._echo = echo

    async def react(self, request: Incoming) -> Answer:
        body = json.loads(request.body)
        self.bodies.append(body)
        return Answer.json(self._echo(body))

    async def close(self) -> None:
        return None
