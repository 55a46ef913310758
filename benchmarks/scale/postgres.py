"""A private Postgres with pg_trgm, which Prefect's server needs, for the length of a block."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_OWNERS = ("postgres", "pgserver", "nobody")
"""Who may own a server where this process is root, which Postgres refuses to run as."""


class NoPostgresError(Exception):
    """There is no Postgres on this machine that the benchmark could start."""


class Postgres:
    """A running server; ``url`` takes a database's name."""

    def __init__(self, port: int, process_id: int) -> None:
        self.port = port
        self.process_id = process_id

    def url(self, database: str, driver: str = "postgresql") -> str:
        return f"{driver}://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}".encode())
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")

    def size_bytes(self, database: str) -> int:
        import psycopg

        with psycopg.connect(self.url("postgres")) as connection:
            row = connection.execute("SELECT pg_database_size(%s)", (database,)).fetchone()
        assert row is not None
        return int(row[0])

    def cpu_s(self) -> float:
        """CPU-seconds of the server and of what it has started so far, as far as it still runs or was waited for."""
        server = psutil.Process(self.process_id)
        times = server.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in server.children(recursive=True):
            try:
                mine = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += mine.user + mine.system
        return float(total)


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Start a server with its data in a temporary folder. Raises NoPostgresError."""
    binaries = _binaries()
    owner = _owner()
    folder = Path(tempfile.mkdtemp(prefix="skuflow-scale-postgres-"))
    if owner is not None:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(owner).pw_gid)
    data, port = folder / "data", free_port()
    try:
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=owner,
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c max_connections=300"
        subprocess.run(
            [binaries / "pg_ctl", "-w", "-D", data, "-l", folder / "log", "-o", options, "start"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=owner,
        )
        try:
            yield Postgres(port, int((data / "postmaster.pid").read_text().splitlines()[0]))
        finally:
            subprocess.run(
                [binaries / "pg_ctl", "-w", "-D", data, "-m", "immediate", "stop"],
                check=False,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                user=owner,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    on_path = shutil.which("pg_ctl")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        config = folder / "pg_config"
        if not (folder / "initdb").exists():
            continue
        if config.exists():
            shared = Path(
                subprocess.run([config, "--sharedir"], capture_output=True, text=True).stdout.strip()
            )
        else:
            shared = Path("/usr/share/postgresql") / folder.parent.name
        if (shared / "extension" / "pg_trgm.control").exists():
            return folder
    raise NoPostgresError(
        "install PostgreSQL with its contrib modules (pg_trgm), such as Debian's postgresql"
    )


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in _OWNERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise NoPostgresError("run this as another user than root, which Postgres refuses")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
