"""Starts the services of ``compose.yaml`` as plain processes of this machine: their commands, their environment, their
order. Only addresses, ports and folders differ.

Needs Debian's ``postgresql`` (with pg_trgm) and ``redis-server``.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DOCKER = Path(__file__).parents[2] / "deployments" / "docker"
POSTGRES_BIN = Path("/usr/lib/postgresql/15/bin")
START_LIMIT_S = 300.0


class NotStartedError(Exception):
    """A process ended or did not answer in time; the message names its log."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(what: str, condition: Callable[[], bool], limit_s: float = START_LIMIT_S) -> float:
    """Seconds until ``condition`` held. Raises NotStartedError."""
    begun_s = time.monotonic()
    while not condition():
        if time.monotonic() - begun_s > limit_s:
            raise NotStartedError(f"{what}: not within {limit_s:g} s")
        time.sleep(0.25)
    return time.monotonic() - begun_s


@dataclass
class Stack:
    """The services in ``folder``; ``server_bin`` and ``worker_bin`` hold the programs of the two images."""

    folder: Path
    server_bin: Path
    worker_bin: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.postgres_port, self.redis_port, self.front_port = free_port(), free_port(), free_port()
        self.server_ports: list[int] = []
        names = re.findall(r"^([A-Z_]+)=$", (DOCKER / "env.example").read_text("utf-8"), re.MULTILINE)
        self.values = {
            name: secrets.token_hex(12) for name in names if not name.startswith("SKUFLOW_STORAGE")
        }
        self.values |= {"PREFECT_AUTH": f"admin:{secrets.token_hex(12)}", "SKUFLOW_CATALOG": ""}
        self.services: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))[
            "services"
        ]

    def environment(self, service: str) -> dict[str, str]:
        """The environment of a service, nothing else of ours but what processes need at all."""
        given = {name: self._filled(value) for name, value in self.services[service]["environment"].items()}
        here = self.folder / service
        here.mkdir(exist_ok=True)
        plain = {name: os.environ[name] for name in ("HOME", "LANG", "SSL_CERT_FILE") if name in os.environ}
        bins = self.server_bin if service in ("server", "services", "migrate-prefect") else self.worker_bin
        return {
            **plain,
            "PATH": f"{bins}:/usr/bin:/bin",
            "PREFECT_HOME": str(here / "prefect"),
            "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(here / "ui"),
            **given,
        }

    def command(self, service: str) -> list[str]:
        return [self._filled(part) for part in self.services[service]["command"]]

    def _filled(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            name, _, default = match[1].partition(":")
            return self.values.get(name) or (default[1:] if default.startswith("-") else "")

        text = re.sub(r"(?<!\$)\$\{([^}]+)\}", value, str(text)).replace("$$", "$")
        for inside, outside in (
            ("@postgres:5432", f"@127.0.0.1:{self.postgres_port}"),
            ("@redis:6379", f"@127.0.0.1:{self.redis_port}"),
            ("http://server:4200", f"http://127.0.0.1:{self.front_port}"),
            ("/data/", f"{self.folder}/data/"),
        ):
            text = text.replace(inside, outside)
        return text

    def start(self, name: str, command: list[str], environment: Mapping[str, str], **more: Any) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            command, env=dict(environment), stdout=log, stderr=log, start_new_session=True, **more
        )

    def start_databases(self) -> None:
        """Postgres with the init script of the compose file, Redis with its command."""
        data, account = self.folder / "postgres", "postgres" if os.geteuid() == 0 else None
        data.mkdir()
        password = self.folder / "password"
        password.write_text(self.values["POSTGRES_PASSWORD"])
        if account is not None:
            shutil.chown(data, account)
            shutil.chown(password, account)
        initdb = ["--auth=scram-sha-256", "--username=postgres", f"--pwfile={password}", f"--pgdata={data}"]
        subprocess.run(
            [POSTGRES_BIN / "initdb", *initdb], check=True, user=account, stdout=subprocess.DEVNULL
        )
        options = self.services["postgres"]["command"][1:]
        place = ["-D", str(data), "-p", str(self.postgres_port), "-h", "127.0.0.1", "-k", str(data)]
        self.start("postgres", [str(POSTGRES_BIN / "postgres"), *place, *options], os.environ, user=account)
        ready = [str(POSTGRES_BIN / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.postgres_port)]
        wait_for("postgres", lambda: subprocess.run(ready, check=False).returncode == 0)
        superuser = {"PGHOST": "127.0.0.1", "PGPORT": str(self.postgres_port)}
        superuser |= {"PGPASSWORD": self.values["POSTGRES_PASSWORD"], "PATH": "/usr/bin:/bin"}
        script = str(DOCKER / "postgres" / "10-databases.sh")
        subprocess.run(["sh", script], check=True, env={**self.environment("postgres"), **superuser})

        shell, option, text = self.command("redis")
        text = text.replace("/tmp/redis.conf", f"{self.folder}/redis.conf").replace(
            "dir /data", f"dir {self.folder}"
        )
        text = text.replace("maxmemory 768mb", f"maxmemory 768mb\\nport {self.redis_port}\\nbind 127.0.0.1")
        self.start("redis", [shell, option, text], self.environment("redis"))
        wait_for("redis", lambda: self.redis("ping") == "PONG")

    def redis(self, *words: str) -> str:
        environment = {"REDISCLI_AUTH": self.values["REDIS_PASSWORD"], "PATH": "/usr/bin:/bin"}
        call = ["redis-cli", "-p", str(self.redis_port), *words]
        return subprocess.run(
            call, env=environment, capture_output=True, text=True, check=False
        ).stdout.strip()

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of Prefect's database, seen as its owner."""
        import psycopg

        address = f"postgresql://prefect:{self.values['PREFECT_DATABASE_PASSWORD']}@127.0.0.1:{self.postgres_port}/prefect"
        with psycopg.connect(address) as connection:
            return connection.execute(statement.encode()).fetchall()

    def start_server(self) -> int:
        """One more API replica; its port."""
        port = free_port()
        command = ["127.0.0.1" if part == "0.0.0.0" else part for part in self.command("server")]
        self.start(f"server-{port}", [*command, "--port", str(port)], self.environment("server"))
        self.server_ports.append(port)
        return port

    def healthy(self, port: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def api(self, path: str, body: object) -> Any:
        import base64

        token = base64.b64encode(self.values["PREFECT_AUTH"].encode()).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {token}"}
        address = f"http://127.0.0.1:{self.front_port}/api{path}"
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End everything in the opposite order of its start."""
        for name, process in reversed(self.processes.items()):
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


class Front:
    """Passes connections on to the API replicas in turn and passes over dead ones, as a service's address does."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._turn = 0

    async def serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._stack.front_port)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports = self._stack.server_ports
        for _ in ports:
            self._turn += 1
            try:
                behind = await asyncio.open_connection("127.0.0.1", ports[self._turn % len(ports)])
            except OSError:
                continue
            await asyncio.gather(_pass_on(reader, behind[1]), _pass_on(behind[0], writer))
            return
        writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
