"""Kling's callbacks: one for each change of a task's state (Kling: callbacks page)."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING

from providers.emulators.core.faults import Fault
from providers.emulators.core.jobs import Job, State
from providers.emulators.kling.webhooks import signed_headers

if TYPE_CHECKING:
    from providers.emulators.kling.emulator import KlingEmulator

LATE_S = 600.0


class Notices:
    """Sends the callbacks of one emulator. A callback that nobody takes is not sent again (what Kling does is not
    documented).
    """

    def __init__(self, kling: KlingEmulator) -> None:
        self._kling = kling
        self._count = 0

    async def arrange(self, job: Job, url: str, fault: Fault | None) -> None:
        """Plan a new job's callbacks. EARLY_CALLBACK sends one before this returns, and so before the create reply;
        LATE_CALLBACK sends the last one ten minutes late, DUPLICATE_CALLBACK sends it twice.
        """
        if fault is Fault.EARLY_CALLBACK:
            await self.send(job, url, State.QUEUED)
        now_s = self._kling.time.now_s
        late_s = LATE_S if fault is Fault.LATE_CALLBACK else 0.0

        async def tell() -> None:
            # One after the other, each with the state that it is about, however busy the machine is.
            await self.send(job, url, State.RUNNING)
            if math.isinf(job.ends_at_s):
                return
            await self._kling.time.sleep(job.ends_at_s + late_s - now_s())
            for _ in range(2 if fault is Fault.DUPLICATE_CALLBACK else 1):
                await self.send(job, url, job.outcome)

        self._kling.callbacks.later(job.begins_at_s - now_s(), tell)

    async def send(self, job: Job, url: str, state: State) -> None:
        """One callback with the task in ``state``: not in the envelope, signed where there is a secret."""
        kling = self._kling
        if state is State.SUCCEEDED:
            await asyncio.wait({kling.making(job)})
        body = json.dumps(await kling.show(job, state=state), separators=(",", ":")).encode()
        self._count += 1
        headers = signed_headers(
            kling.webhook_secrets, f"{job.id}{self._count:04d}", kling.time.wall_s(), body
        )
        await kling.callbacks.post(url, body, headers)
