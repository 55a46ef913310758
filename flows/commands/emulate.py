"""``skuflow emulate``: the vendors' emulators, until they are stopped."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Sequence
from decimal import Decimal
from math import inf
from pathlib import Path
from typing import Any

from flows.commands.terminal import EXIT_OK, EXIT_UNEXPECTED, print_table, refuse
from providers.emulators.core.emulator import Emulator
from providers.emulators.core.faults import FaultScript
from providers.emulators.core.http import Server, serve
from providers.emulators.core.timing import Timing
from providers.emulators.table import EMULATORS, ODDS, REHEARSAL_HOME, rehearsal_providers
from skuflow.settings import NO_ENV_FILE

NOTE = "Nothing behind these addresses is real, and nothing is owed to anybody."


def run_emulators(
    names: Sequence[str],
    port_base: int,
    speed: float,
    as_json: bool,
    faults: int | None,
    host: str = "127.0.0.1",
) -> int:
    """Serve the named emulators (none named: all) until SIGINT or SIGTERM, then print their bills; the exit status.

    ``port_base`` 0 takes any free ports, else each emulator has a port of its own from there on, the same whichever
    others run. ``speed``: vendor seconds in a second. ``faults``: a seed for random faults. With ``as_json`` two lines
    of JSON are printed: the addresses and environment at the start, the bills at the end.
    """
    for name in names:
        if name not in EMULATORS:
            refuse(f"--only {name}: there is no such emulator; there are {', '.join(EMULATORS)}")
    if not 0 < speed < inf:
        refuse(f"--speed {speed:g}: write a number above 0; 1 is the vendors' own pace, 10 ten times as fast")
    if port_base and not 1 <= port_base <= 65_535 - len(EMULATORS):
        refuse(
            f"--port {port_base}: must lie between 1 and {65_535 - len(EMULATORS)}, or be 0 for any free ports"
        )
    chosen = {name: _make(name, speed, faults) for name in EMULATORS if not names or name in names}
    return asyncio.run(_run(chosen, host, port_base, as_json))


def _make(name: str, speed: float, faults: int | None) -> Emulator:
    script = None if faults is None else FaultScript.random(f"{faults}/{name}", ODDS)
    return EMULATORS[name](Timing(speed=speed), faults=script)


async def _run(emulators: dict[str, Emulator], host: str, port_base: int, as_json: bool) -> int:
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    servers: list[Server] = []
    try:
        for name, emulator in emulators.items():
            servers.append(await _open(name, emulator, host, port_base))
        _say_start(emulators, as_json)
        await stop.wait()
    finally:
        for server in servers:
            await server.close()
    _say_bills(emulators, as_json)
    return _crashes(emulators)


async def _open(name: str, emulator: Emulator, host: str, port_base: int) -> Server:
    port = port_base + list(EMULATORS).index(name) if port_base else 0
    try:
        return await serve(emulator, host, port)
    except OSError as error:
        where = f"{host} port {port}" if port else host
        refuse(f"{name} cannot listen on {where} ({error.strerror}); choose another --host or --port")


def _environment(emulators: dict[str, Emulator]) -> dict[str, str]:
    variables = {
        name: value
        for emulator in emulators.values()
        for name, value in emulator.environment(emulator.base_url).items()
    }
    providers = rehearsal_providers(set(emulators))
    return {**variables, "SKUFLOW_PROVIDERS": providers} if providers else variables


def _apart() -> dict[str, str]:
    """What keeps a rehearsal apart from real work, in whatever folder the lines are pasted."""
    return {"SKUFLOW_ENV_FILE": NO_ENV_FILE, "SKUFLOW_HOME": str(Path(REHEARSAL_HOME).absolute())}


def _say_start(emulators: dict[str, Emulator], as_json: bool) -> None:
    environment = _environment(emulators)
    if as_json:
        _print_line(
            {
                "note": NOTE,
                "emulators": {name: emulator.base_url for name, emulator in emulators.items()},
                "environment": environment,
                "suggested": _apart(),
            }
        )
        return
    lines = [
        f"# {NOTE}",
        "# Paste this into the shell that runs skuflow; Ctrl-C here ends it and prints the bills.",
    ]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    lines.append("# A ledger and storage of its own, and nothing of .env, which may lead to real ones:")
    lines += [f"export {name}={shlex.quote(value)}" for name, value in _apart().items()]
    print("\n".join(lines), flush=True)


def _say_bills(emulators: dict[str, Emulator], as_json: bool) -> None:
    if as_json:
        _print_line(
            {"note": NOTE, "bills": {name: emulator.bill.as_json() for name, emulator in emulators.items()}}
        )
        return
    rows = [row for name, emulator in emulators.items() for row in _rows(name, emulator)]
    total = sum((emulator.bill.total() for emulator in emulators.values()), Decimal(0))
    jobs = sum(len(emulator.bill.by_job()) for emulator in emulators.values())
    rows.append(["total", "", str(jobs), _yuan(total)])
    print()
    print_table("What this would have cost", ["vendor", "model", "jobs", "CNY"], rows, right=["jobs", "CNY"])
    for name, emulator in emulators.items():
        for group in emulator.bill.doubles():
            print(f"{name}: submitted {len(group)} times: {group[0].external_id or group[0].what}")
    print(NOTE, flush=True)


def _rows(name: str, emulator: Emulator) -> list[list[str]]:
    """A row for each model that was used; one without a model where none was."""
    jobs: dict[str, set[str]] = {}
    amounts: dict[str, Decimal] = {}
    for entry in emulator.bill.entries:
        jobs.setdefault(entry.model, set()).add(entry.job_id)
        amounts[entry.model] = amounts.get(entry.model, Decimal(0)) + entry.amount
    if not jobs:
        return [[name, "", "0", _yuan(Decimal(0))]]
    return [[name, model, str(len(ids)), _yuan(amounts[model])] for model, ids in jobs.items()]


def _yuan(amount: Decimal) -> str:
    return f"{amount:.4f}"


def _crashes(emulators: dict[str, Emulator]) -> int:
    """Says what an emulator itself did wrong; the exit status."""
    crashed = {name: emulator.crashes[0] for name, emulator in emulators.items() if emulator.crashes}
    for name, error in crashed.items():
        print(f"skuflow: the {name} emulator itself failed, please report it: {error!r}", file=sys.stderr)
    return EXIT_UNEXPECTED if crashed else EXIT_OK


def _print_line(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)
