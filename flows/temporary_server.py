"""Prefect's API server for the length of one run, started before Prefect is imported so that both load side by side.

Prefect would start one by itself, but only on first use, with its server code imported into the client as well. Run as
``python -m flows.temporary_server PORT`` this file is the server process: it ends when its standard input closes, so
that a killed parent leaves no server behind.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skuflow.settings import Settings


class ServerStartError(Exception):
    """Prefect's temporary server did not come up in time; the message says where its log is."""


class TemporaryServer:
    """A server on a free loopback port. ``start`` returns at once, ``wait`` when it answers; ``stop`` is idempotent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = settings.skuflow_home / "prefect" / "temporary-server.log"

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api"

    @property
    def process_id(self) -> int | None:
        """The server's process, None while it is not running."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        # The server process runs this module too and has no use for the settings' imports.
        from skuflow.environment import child_environment, prefect_server_environment

        self._log.parent.mkdir(parents=True, exist_ok=True)
        # The second variable keeps the services that only long-lived servers need (schedules, notices) asleep.
        environment = child_environment(
            {
                **prefect_server_environment(self._settings),
                "PREFECT_UI_ENABLED": "false",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT_API_URL": "",
            }
        )
        # A password is for servers that others reach; nobody but this run knows this one's port.
        environment.pop("PREFECT_SERVER_API_AUTH_STRING", None)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "flows.temporary_server", str(self._port)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )

    def wait(self) -> None:
        """Block until the server answers. Raises ServerStartError."""
        limit_s = self._settings.skuflow_server_start_s
        deadline_s = time.monotonic() + limit_s
        while time.monotonic() < deadline_s:
            if self._process is None or self._process.poll() is not None:
                raise ServerStartError(
                    f"Prefect's temporary server stopped while starting; its log is {self._log}."
                )
            if _answers(f"{self.api_url}/health"):
                return
            time.sleep(0.05)
        self.stop()
        raise ServerStartError(
            f"Prefect's temporary server did not start within {limit_s} s; its log is {self._log}. "
            "Raise SKUFLOW_SERVER_START_S, or start a server yourself (prefect server start) and set PREFECT_API_URL."
        )

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _serve(port: int) -> None:
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            "prefect.server.api.server:create_app",
            factory=True,
            host="127.0.0.1",
            port=port,
            log_level="error",
            lifespan="on",
        )
    )

    def leave_with_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True
        time.sleep(8)
        os._exit(0)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    server.run()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
