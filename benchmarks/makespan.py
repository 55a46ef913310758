"""How long a batch takes over vendors that allow so much at once, against the least that their limits make possible.

40 SKUs pass through copy, three pictures and a video as a batch's do, without Prefect and pixel work. The vendors are
emulators in a process of their own; theirs and the client's time run ``SPEED`` times as fast as the clock on the wall,
so that every second of HTTP, JSON and ledger counts ``SPEED`` times as much as it would.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.measure import figure
from providers.emulators.core.emulator import Emulator
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from skuflow.jobs.contract import (
    CopyRequest,
    ImageRequest,
    JobHandle,
    JobStatus,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.jobs.outcome import Outcome, OutcomeState
from skuflow.listing.storyboard import make_storyboard
from skuflow.settings import read_settings
from skuflow.storage.objects import StoredObject
from skuflow.studio.cutout_png import to_png
from skuflow.studio.picture import Cutout
from tasks.together import all_of
from tasks.wiring import Wiring, wire

SKUS = 40
PICTURES = 3
SPEED = 3.0
COPY_S, IMAGE_S, VIDEO_S = 3.0, 15.0, 40.0
IMAGES_AT_ONCE, VIDEOS_AT_ONCE = 6, 10
LATENCIES_S = {"copy": COPY_S, "image": IMAGE_S, "video": VIDEO_S / 1.1}
"""The emulated Kling lets every job wait for a tenth of its latency before it begins."""
ADVISED_S = {"qwen": 0.0, "wanx": 10.0, "jimeng": 10.0, "kling": 15.0}
"""Seconds between two polls of one job: the vendors' advice where they give any, else that of their like."""

SCENARIOS = {
    "pictures queue at the vendor (wanx), videos are refused (kling)": "wanx",
    "pictures and videos are refused (jimeng, kling)": "jimeng",
}


def least_s() -> float:
    """The lower bound: the pictures' vendor is never idle, and the last SKU still needs its video; or the same with the
    videos' vendor.
    """
    pictures_s = SKUS * PICTURES * IMAGE_S / IMAGES_AT_ONCE
    videos_s = SKUS * VIDEO_S / VIDEOS_AT_ONCE
    return COPY_S + max(pictures_s + VIDEO_S, IMAGE_S + videos_s)


@dataclass(frozen=True, slots=True)
class AtVendor:
    """What one emulator saw: submits that it accepted and refused, and its polls."""

    accepted: int
    refused: int
    polls: int
    busiest_polls_per_s: int
    busy_s: float


class Watched:
    """A provider whose polls are written down, by job and in the batch's time."""

    def __init__(self, provider: Any, clock: _Clock) -> None:
        self._provider = provider
        self._clock = clock
        self.polls: dict[str, list[float]] = defaultdict(list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    async def poll(self, handle: JobHandle) -> JobStatus:
        self.polls[handle.job_id].append(self._clock().timestamp())
        status: JobStatus = await self._provider.poll(handle)
        return status

    def shortest_s(self) -> float:
        """The least time between two polls of one job."""
        gaps = [later - at for times in self.polls.values() for at, later in pairwise(times)]
        return min(gaps, default=float("inf"))


class _Clock:
    """The batch's time, which runs fast."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = datetime.now(UTC)
        self._began_s = time.monotonic()

    def __call__(self) -> datetime:
        return self._began + timedelta(seconds=(time.monotonic() - self._began_s) * self._speed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.makespan")
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args(arguments)
    kept = True
    for title, pictures in SCENARIOS.items():
        print(f"# {title}; time runs {given.speed:g} times as fast", flush=True)
        for _ in range(given.rounds):
            kept = _measure(pictures, given.speed) and kept
    return 0 if kept else 1


def _measure(pictures: str, speed: float) -> bool:
    with tempfile.TemporaryDirectory() as name, _vendors(pictures, speed) as (environment, seen):
        took_s, made, watched = asyncio.run(_batch(Path(name), environment, pictures, speed))
        at_vendors = seen()
    figure("batch", took_s, "s", f"{least_s():g} at least")
    figure("batch over the lower bound", took_s / least_s(), "", "<= 1.10")
    wanted = SKUS * (2 + PICTURES)
    figure("parts made", made, f"of {wanted}")
    for vendor, at in at_vendors.items():
        figure(f"{vendor}: accepted / refused submits", f"{at.accepted} / {at.refused}")
        if at.polls:
            mean = at.polls / at.busy_s
            figure(f"{vendor}: polls a second, on average / most", f"{mean:.2f} / {at.busiest_polls_per_s}")
            figure(f"{vendor}: polls for each job", at.polls / at.accepted)
    polite = True
    for provider in watched:
        shortest_s = provider.shortest_s()
        advised_s = ADVISED_S[provider.name]
        if shortest_s < float("inf"):
            figure(
                f"{provider.name}: shortest time between two polls of a job",
                shortest_s,
                "s",
                f">= {advised_s:g}",
            )
        # The client's pause and the clock's own grain differ by a trifle that the speed blows up.
        polite = polite and shortest_s >= advised_s * 0.99
    return made == wanted and polite


async def _batch(
    home: Path, environment: dict[str, str], pictures: str, speed: float
) -> tuple[float, int, list[Watched]]:
    from providers.dashscope import sdk

    clock = _Clock(speed)
    settings = read_settings(
        {
            "skuflow_home": home,
            "skuflow_text_detection": "off",
            "skuflow_providers": f"copy=qwen;image={pictures};video=kling",
            "skuflow_models": "wanx.image=wan2.5-i2i-preview" if pictures == "wanx" else "",
            "skuflow_caps": f"qwen.copy=999/day;{pictures}.image=999/day;kling.video=999/day",
            "skuflow_budget": "9999 CNY/day",
            "skuflow_dashscope_inputs": "data",
            **{variable.lower(): value for variable, value in environment.items()},
        }
    )
    wiring = wire(settings, clock=clock, sleep=clock.sleep)
    try:
        watched = [Watched(wiring.provider_named(name), clock) for name in ("qwen", pictures, "kling")]
        for provider in watched:
            wiring.use_provider(provider)
        inputs = _inputs(wiring)
        await sdk.load()
        began = clock()
        made = await all_of(*(_sku(wiring, f"mug-{number:02}", *inputs) for number in range(SKUS)))
        return (clock() - began).total_seconds(), sum(made), watched
    finally:
        wiring.close()


def _inputs(wiring: Wiring) -> tuple[StoredObject, StoredObject]:
    """A photo and its cut-out in storage."""
    import cv2
    import numpy as np

    photo = np.full((600, 600, 3), 250, np.uint8)
    photo[80:520, 120:480] = (170, 90, 40)
    rgba = np.zeros((440, 360, 4), np.uint8)
    rgba[10:430, 10:350] = (40, 90, 170, 255)
    cutout = Cutout(rgba, (120, 80, 480, 520), (600, 600), frozenset(), 1.0)
    return (
        wiring.store.put("in/photo.png", cv2.imencode(".png", photo)[1].tobytes(), "image/png"),
        wiring.store.put("in/cutout.png", to_png(cutout), "image/png"),
    )


async def _sku(wiring: Wiring, sku: str, photo: StoredObject, cutout: StoredObject) -> int:
    """One SKU's stages as ``flows.kit_line.make_kit`` has them: how many parts were made."""
    from skuflow.catalog.product import Product, ProductSource

    product = Product(
        sku=sku,
        titles={"zh": "陶瓷马克杯 380ml", "en": "Ceramic Mug 380 ml"},
        kind="mug",
        attributes={"容量": "380 ml"},
        source=ProductSource(catalog="benchmark"),
    )
    styles = ("kitchen", "pastel", "living_room")
    copy = await wiring.make(
        CopyRequest(
            slot=Slot(sku, "copy", language="en", marketplace="aliexpress"),
            product=product,
            language="en",
            marketplace="aliexpress",
        )
    )
    scenes = await all_of(
        *(
            wiring.make(
                ImageRequest(
                    slot=Slot(sku, "image:scene", number),
                    product=product,
                    photo=photo,
                    cutout=cutout,
                    style=style,
                    prompt="A mug on a sunny kitchen counter.",
                    sizes_px=((800, 800),),
                )
            )
            for number, style in enumerate(styles, 1)
        )
    )
    # What the studio would cut to the video's size; the emulators' pictures are tiny.
    frames = tuple(
        SceneFrame(style=style, picture=photo, provider=scene.made_job.provider)
        for style, scene in zip(styles, scenes, strict=True)
        if scene.job is not None
    )
    video = await wiring.make(
        VideoRequest(
            slot=Slot(sku, "video"),
            product=product,
            photo=photo,
            cutout=cutout,
            frames=frames,
            storyboard=make_storyboard(styles, duration_s=5.0),
            size_px=(1080, 1080),
            prompt="Steam rises slowly.",
        )
    )
    return sum(_is_made(sku, outcome) for outcome in (copy, *scenes, video))


def _is_made(sku: str, outcome: Outcome) -> bool:
    if outcome.state is not OutcomeState.MADE:
        print(f"{sku}: {outcome.reason}", file=sys.stderr)
    return outcome.state is OutcomeState.MADE


@contextmanager
def _vendors(pictures: str, speed: float) -> Iterator[tuple[dict[str, str], Any]]:
    """The emulators in a process of their own: their variables, and a call that ends them and says what they saw."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    process = processes.Process(target=_serve, args=(theirs, pictures, speed), daemon=True)
    process.start()
    try:
        environment = ours.recv()

        def seen() -> dict[str, AtVendor]:
            ours.send("stop")
            found: dict[str, AtVendor] = ours.recv()
            return found

        yield environment, seen
    finally:
        process.join(10)
        if process.is_alive():
            process.terminate()


def _serve(to_client: Connection, pictures: str, speed: float) -> None:
    from contextlib import ExitStack

    from providers.emulators import dashscope, jimeng, kling
    from providers.emulators.core.http import running

    timing = Timing(speed=speed, latencies_s=LATENCIES_S)
    media = Media(tiny=True)
    emulators: list[Emulator] = [
        dashscope.make(timing, media=media, at_once={"wan2.5-i2i-preview": IMAGES_AT_ONCE}),
        kling.make(timing, media=media, parallel=VIDEOS_AT_ONCE),
    ]
    if pictures == "jimeng":
        emulators.append(jimeng.make(timing, media=media, concurrency=IMAGES_AT_ONCE, queue_s=0.0))
    environment: dict[str, str] = {}
    with ExitStack() as stack:
        for emulator in emulators:
            environment |= emulator.environment(stack.enter_context(running(emulator)))
        to_client.send(environment)
        to_client.recv()
        to_client.send({emulator.name: _seen(emulator) for emulator in emulators})


def _seen(emulator: Emulator) -> AtVendor:
    at = {place: [seen.at for seen in emulator.seen if seen.place == place] for place in ("submit", "poll")}
    seconds: dict[int, int] = defaultdict(int)
    for moment in at["poll"]:
        seconds[int(moment)] += 1
    accepted = len(emulator.bill.entries)
    busy_s = max(at["poll"], default=1.0) - min(at["submit"], default=0.0)
    return AtVendor(
        accepted, len(at["submit"]) - accepted, len(at["poll"]), max(seconds.values(), default=0), busy_s
    )


if __name__ == "__main__":
    sys.exit(main())
