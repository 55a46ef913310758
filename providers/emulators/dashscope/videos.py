"""The video models: a first frame and a prompt. Source: Model Studio "Image to video" page."""

from __future__ import annotations

from math import sqrt

from providers.emulators.core.media import SizePx
from providers.emulators.dashscope.errors import invalid
from providers.emulators.dashscope.fields import seed_of
from providers.emulators.dashscope.images import Asked
from providers.emulators.dashscope.inputs import Bounds
from providers.emulators.dashscope.orders import Order, Shape

_MEGABYTE = 1024 * 1024
_PHOTOS = frozenset({"JPEG", "PNG", "BMP", "WEBP"})
_PIXELS = {"480P": 832 * 480, "720P": 1280 * 720, "1080P": 1920 * 1080}
_LEAKED_INPUT = ("function", "extend_prompt")


async def video_order(asked: Asked) -> Order:
    """wan i2v: 1080P with sound where nothing else is asked; the frame's shape is the clip's."""
    given, wishes = asked.input, asked.parameters
    prompt = given.text("prompt", 1500)
    given.text("negative_prompt", 500)
    address = asked.address("img_url")
    if given.has("audio_url"):
        asked.inputs.address(given.raw("audio_url"), "input.audio_url", asked.caller)
    given.done(tolerated=_LEAKED_INPUT)
    resolutions = sorted({resolution for resolution, _ in asked.model.per_second})
    resolution = wishes.choice("resolution", resolutions, "1080P")
    seconds = wishes.integer("duration", 2, 15, 5)
    if asked.model.name.startswith("wan2.5") and seconds not in (5, 10):
        raise invalid("parameters.duration should be 5 or 10")
    sound = wishes.flag("audio", True)
    wishes.flag("prompt_extend", True)
    wishes.choice("shot_type", ("single", "multi"), "single")
    wishes.flag("watermark", False)
    seed_of(wishes)
    wishes.done()
    bounds = Bounds(_PHOTOS, 240, 8000, 20 * _MEGABYTE, alpha=False)
    picture, failure = await asked.look(address, bounds)
    size_px = _size(picture.aspect if picture else 1.0, resolution)
    frame, media = picture.data if picture else None, asked.media
    return Order(
        kind="video",
        count=1,
        each=seconds * asked.model.per_second[(resolution, sound)],
        media_type="video/mp4",
        shape=Shape.VIDEO_URL,
        make=lambda number: media.clip(size_px, seconds, frame),
        usage=lambda made: {
            "duration": seconds * made,
            "input_video_duration": 0,
            "output_video_duration": seconds * made,
            "video_count": made,
            "SR": int(resolution[:-1]),
        },
        failure=failure,
        extras={"orig_prompt": prompt},
    )


def _size(aspect: float, resolution: str) -> SizePx:
    """About as many pixels as the resolution's name says, in the frame's shape, sides divisible by 16."""
    height = sqrt(_PIXELS[resolution] / aspect)
    return max(16, round(height * aspect / 16) * 16), max(16, round(height / 16) * 16)
