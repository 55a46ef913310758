"""``skuflow up``: server, worker, deployments and event receiver on this machine, until it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

from flows.commands.ledger_check import doubt_about_configured
from flows.commands.terminal import EXIT_OK, refuse
from flows.supervisor.children import Child, ChildSpec, run_once
from flows.supervisor.home_lock import AlreadyUpError, only_one
from flows.supervisor.household import Household, household
from flows.supervisor.ready import answers, is_free, wait_until
from flows.supervisor.strays import end_strays
from skuflow.settings import Settings

_PORT_WAIT_S = 20.0
"""How long what an earlier ``up`` left may take to let go of a port."""
_SET_UP_LIMIT_S = 300.0
_STRAY_GRACE_S = 10.0
_LEDGER_LIMIT_S = 15.0


class UpError(Exception):
    """Something did not come up; the message says what, and where its log is."""


def run_up(settings: Settings, as_json: bool) -> int:
    """Start everything, say where it is, keep it running until SIGINT or SIGTERM, stop it; the exit status.

    Raises SettingsError.
    """
    house = household(settings)
    try:
        with only_one(settings.skuflow_home):
            return asyncio.run(_Up(settings, house, as_json).run())
    except (AlreadyUpError, UpError) as error:
        refuse(str(error))


class _Up:
    def __init__(self, settings: Settings, house: Household, as_json: bool) -> None:
        self._settings = settings
        self._house = house
        self._as_json = as_json
        self._stop = asyncio.Event()
        self._children: list[Child] = []

    async def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        starting = asyncio.create_task(self._start())
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                await starting
                await stopped
            return EXIT_OK
        finally:
            starting.cancel()
            stopped.cancel()
            await asyncio.gather(starting, stopped, return_exceptions=True)
            await self._end()

    async def _start(self) -> None:
        if await asyncio.to_thread(end_strays, self._settings.skuflow_home, _STRAY_GRACE_S):
            self._say("ended what an earlier start had left running")
        await self._look_at_ledger()
        if self._house.server is not None:
            self._say("starting Prefect's server ...")
            await self._require_port(
                self._settings.skuflow_host, self._settings.skuflow_ui_port, "SKUFLOW_UI_PORT"
            )
            await self._begin(self._house.server)
        limit_s = self._settings.skuflow_server_start_s
        if not await wait_until(lambda: answers(f"{self._house.api_url}/health"), limit_s):
            where = self._house.server.log if self._house.server else "PREFECT_API_URL names it"
            raise UpError(
                f"Prefect's server at {self._house.api_url} does not answer after {limit_s} s ({where});"
                " raise SKUFLOW_SERVER_START_S on a slow machine"
            )
        self._say("making deployments ...")
        for step in self._house.set_up:
            await self._once(step)
        await self._require_port(
            self._settings.skuflow_host, self._settings.skuflow_events_port, "SKUFLOW_EVENTS_PORT"
        )
        await self._begin(self._house.receiver)
        await self._begin(self._house.worker)
        self._tell()

    async def _look_at_ledger(self) -> None:
        """Say so where it seems to be the wrong one. What cannot be asked is told by whoever needs it."""
        with suppress(Exception):
            looking = asyncio.to_thread(doubt_about_configured, self._settings)
            if doubt := await asyncio.wait_for(looking, _LEDGER_LIMIT_S):
                self._say(f"! the ledger is {doubt}")

    async def _begin(self, spec: ChildSpec) -> None:
        child = Child(spec, self._say)
        self._children.append(child)
        await child.start()

    async def _once(self, step: ChildSpec) -> None:
        begun = step.log.stat().st_size if step.log.exists() else 0
        try:
            status = await run_once(step, _SET_UP_LIMIT_S)
        except TimeoutError:
            raise UpError(
                f"setting Prefect up took longer than {_SET_UP_LIMIT_S:g} s; its log is {step.log}"
            ) from None
        if status:
            said = _last_line(step.log, begun)
            raise UpError(f"Prefect could not be set up: {said} (log: {step.log})")

    async def _require_port(self, host: str, port: int, variable: str) -> None:
        if not await wait_until(lambda: is_free(host, port), _PORT_WAIT_S):
            raise UpError(f"port {port} on {host} is in use by another program; set {variable} to a free one")

    async def _end(self) -> None:
        if not self._children:
            return
        self._say("stopping; work in hand is taken up again at the next start ...")
        # The worker first: what it runs needs the server to the last.
        for child in reversed(self._children):
            await child.stop()
        await asyncio.to_thread(end_strays, self._settings.skuflow_home, _STRAY_GRACE_S)
        self._say("stopped")

    def _tell(self) -> None:
        places = {
            "ui": self._house.ui_url,
            "api": self._house.api_url,
            "events": f"http://{self._settings.skuflow_host}:{self._settings.skuflow_events_port}/events/oss",
            "incoming": _incoming(self._settings),
            "logs": str(self._house.worker.log.parent),
        }
        if self._as_json:
            print(json.dumps({"up": places}, ensure_ascii=False), flush=True)
            return
        print(
            "\n".join(
                (
                    "skuflow is up. Ctrl-C stops it.",
                    f"  Prefect UI       {places['ui']}  (start a run by hand: {places['ui']}/deployments)",
                    f"  New products     {places['incoming']}<sku>/product.json with its photos",
                    f"  OSS events       {places['events']}",
                    f"  Logs             {places['logs']}",
                )
            ),
            flush=True,
        )

    def _say(self, line: str) -> None:
        if self._as_json:
            print(json.dumps({"said": line}, ensure_ascii=False), flush=True)
        else:
            print(line, file=sys.stderr, flush=True)


def _incoming(settings: Settings) -> str:
    place = settings.storage
    return f"{place.absolute() if isinstance(place, Path) else place.address}/incoming/"


def _last_line(log: Path, begun: int) -> str:
    """The last words of a step that failed, as far as they say something."""
    with log.open("rb") as file:
        file.seek(begun)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    return next(
        (line for line in reversed(lines) if any(letter.isalpha() for letter in line)), "it said nothing"
    )
