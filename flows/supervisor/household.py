"""Which processes ``skuflow up`` runs, with which commands, environment and addresses."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.supervisor.children import ChildSpec
from flows.supervisor.strays import MARK, START_MARK
from skuflow.environment import (
    child_environment,
    handed_on,
    prefect_recorder_environment,
    prefect_server_environment,
    prefect_worker_environment,
)
from skuflow.settings import Settings, SettingsError

POOL = "skuflow"
CHECKOUT = Path(__file__).resolve().parents[2]
"""Where prefect.yaml stands; the deployments' runs start there."""

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_GRACE_S = 10.0
_WORKER_GRACE_S = 30.0


@dataclass(frozen=True, slots=True)
class Household:
    """Everything that is to run. ``server`` is None where PREFECT_API_URL names a server of somebody else's."""

    api_url: str
    server: ChildSpec | None
    worker: ChildSpec
    receiver: ChildSpec
    set_up: tuple[ChildSpec, ...]

    @property
    def ui_url(self) -> str:
        return self.api_url.removesuffix("/api")


def household(settings: Settings) -> Household:
    """What the settings ask for. Raises SettingsError for an address that others can reach without a password."""
    host, home = settings.skuflow_host, settings.skuflow_home.absolute()
    password = settings.prefect_server_api_auth_string.get_secret_value()
    if host not in _LOOPBACK and not password and not settings.prefect_api_url:
        raise SettingsError(
            f"SKUFLOW_HOST={host}: others could reach the server; set PREFECT_SERVER_API_AUTH_STRING=user:password,"
            " or leave SKUFLOW_HOST empty"
        )
    own_url = f"http://{_for_address(_reachable(host))}:{settings.skuflow_ui_port}/api"
    api_url = settings.prefect_api_url.rstrip("/") or own_url
    environment = _environment(settings, home, api_url, password)
    logs = home / "logs"

    def spec(name: str, *command: str, grace_s: float = _GRACE_S, **extra: str) -> ChildSpec:
        told = {**environment, **extra}
        return ChildSpec(
            name, (sys.executable, "-m", *command), told, logs / f"{name}.log", CHECKOUT, grace_s
        )

    port = str(settings.skuflow_ui_port)
    server = spec(
        "server",
        "prefect",
        "server",
        "start",
        "--host",
        host,
        "--port",
        port,
        grace_s=_GRACE_S,
        PREFECT_LOGGING_LEVEL="WARNING",
        **prefect_recorder_environment(),
    )
    return Household(
        api_url=api_url,
        server=None if settings.prefect_api_url else server,
        worker=spec(
            "worker",
            *("prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", "skuflow-up"),
            grace_s=_WORKER_GRACE_S,
            **prefect_worker_environment(),
        ),
        receiver=spec("receiver", "deployments.events"),
        set_up=(
            spec(
                "set-up",
                *("deployments.setup", "--before-deploy"),
                *("--runs-at-once", str(settings.skuflow_runs_at_once)),
            ),
            spec("set-up", "prefect", "--no-prompt", "deploy", "--all"),
            # Once more: what starts a deployment by itself can only be made when the deployment is there, and what
            # people had set on it is put back.
            spec("set-up", "deployments.setup"),
        ),
    )


def _environment(settings: Settings, home: Path, api_url: str, password: str) -> Mapping[str, str]:
    """What every process of the household is told, wherever it is started from."""
    told = {
        **handed_on(settings),
        **prefect_server_environment(settings),
        "PREFECT_API_URL": api_url,
        "SKUFLOW_HOME": str(home),
        MARK: str(home),
        START_MARK: uuid.uuid4().hex,
        "PYTHONUNBUFFERED": "1",
    }
    if password:
        told["PREFECT_SERVER_API_AUTH_STRING"] = password
        told["PREFECT_API_AUTH_STRING"] = settings.prefect_api_auth_string.get_secret_value() or password
    return child_environment(told)


def _reachable(host: str) -> str:
    """An address at which this machine reaches a server that listens on all of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _for_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
