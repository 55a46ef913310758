"""Plays seeds, several at a time, and sums up what they came to."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from skuflow.ledger.migrate import upgrade
from tests.contract.chaos.scenario import Scenario, briefly
from tests.contract.chaos.verdicts import Verdict, judge
from tests.contract.chaos.world import play

_TEMPLATE = "ledger_template"


def rehearse(seeds: range, jobs: int, *, postgres: str = "", brief: bool = False) -> Iterator[Verdict]:
    """The verdicts on seeds, in their order, ``jobs`` at a time, each of these in a process of its own.

    ``postgres``: the address of a server for the seeds that want one; empty: they take SQLite. ``brief``: with fewer
    rounds.
    """
    if postgres:
        _make_template(postgres)
    # Spawned, so that they share no fork server with whoever calls.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(partial(_verdict_on, postgres=postgres, brief=brief), seeds)
        finally:
            pool.shutdown(cancel_futures=True)


def total(verdicts: list[Verdict]) -> tuple[Counter[str], Counter[str]]:
    """Figures and faults of all."""
    figures: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for verdict in verdicts:
        figures += verdict.figures
        faults += verdict.faults
    return figures, faults


def _verdict_on(seed: int, *, postgres: str, brief: bool) -> Verdict:
    scenario = briefly(Scenario.of(seed)) if brief else Scenario.of(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"skuflow-chaos-{seed}-"))
    try:
        with _database(folder, postgres if scenario.postgres else "") as url:
            verdict = Verdict(seed)
            for story in play(scenario, folder, url):
                verdict = judge(story)
            return verdict
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path, server: str) -> Iterator[str]:
    if not server:
        path = folder / "ledger.db"
        path.write_bytes(_empty_ledger())
        yield f"sqlite:///{path}"
        return
    import psycopg

    name = f"chaos_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}".encode())
        try:
            yield server.replace("/postgres?", f"/{name}?")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _make_template(server: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE]).fetchone()
        if not known:
            connection.execute(f"CREATE DATABASE {_TEMPLATE}".encode())
    upgrade(server.replace("/postgres?", f"/{_TEMPLATE}?"))


@cache
def _empty_ledger() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        upgrade(f"sqlite:///{path}")
        return path.read_bytes()
