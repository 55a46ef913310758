"""Processes that are to run all the time: started, watched, started again when they end, stopped in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT

from flows.supervisor.strays import START_MARK

_LOG_KEPT_BYTES = 5_000_000
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_STEADY_S = 60.0
"""A process that ran this long was well; its next end is a first one again."""
_LEASH_EXTRA_S = 5.0

Say = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One process: what it runs, its environment, where its words go, where it starts, how long it may take to end."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    grace_s: float = 10.0


class Child:
    """A process that is started again whenever it ends, sooner at first and then more slowly.

    ``start`` returns when it runs; ``stop`` when it and all it started have ended. The child cannot outlive this
    process (``flows.supervisor.leash``).
    """

    def __init__(self, spec: ChildSpec, say: Say, sleep: Sleep = asyncio.sleep) -> None:
        self.spec = spec
        self.restarts = 0
        self._say = say
        self._sleep = sleep
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def leash_id(self) -> int | None:
        """The process that holds the child, None before it was started."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        await self._launch()
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        self._stopping = True
        if self._watcher is not None:
            self._watcher.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.spec.grace_s + _LEASH_EXTRA_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _launch(self) -> None:
        self._process = await launch(self.spec)

    async def _watch(self) -> None:
        pause_s = _FIRST_PAUSE_S
        loop = asyncio.get_running_loop()
        while not self._stopping and self._process is not None:
            begun_s = loop.time()
            status = await self._process.wait()
            if loop.time() - begun_s >= _STEADY_S:
                pause_s = _FIRST_PAUSE_S
            pause_s = await self._again(f"ended (status {status})", pause_s)
            self.restarts += 1

    async def _again(self, why: str, pause_s: float) -> float:
        """Start it again, however often the machine refuses: no room on the disk, no process left. The pause that
        comes next.
        """
        while True:
            # The terminal may be gone, and that is no reason to leave the child as it is.
            with suppress(OSError):
                self._say(
                    f"{self.spec.name} {why}; starting it again in {pause_s:g} s."
                    f" What it said last: {self.spec.log}"
                )
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            try:
                await self._launch()
            except OSError as error:
                why = f"cannot be started ({error.strerror or error})"
            else:
                return pause_s


async def launch(spec: ChildSpec) -> asyncio.subprocess.Process:
    """Start the process on its leash, once. Its words are appended to the log, which is begun anew when it is long."""
    spec.log.parent.mkdir(parents=True, exist_ok=True)
    if spec.log.exists() and spec.log.stat().st_size > _LOG_KEPT_BYTES:
        spec.log.replace(spec.log.with_suffix(".1.log"))
    with spec.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "flows.supervisor.leash",
            str(spec.grace_s),
            spec.environment.get(START_MARK, ""),
            *spec.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=STDOUT,
            env=dict(spec.environment),
            cwd=spec.folder,
            start_new_session=True,
        )


async def run_once(spec: ChildSpec, timeout_s: float) -> int:
    """Run a process to its end on a leash; its exit status. Raises TimeoutError after ending it."""
    process = await launch(spec)
    try:
        return await asyncio.wait_for(process.wait(), timeout_s)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
