"""What Prefect and child processes are told by their environment, made of the settings."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from skuflow.settings import NO_ENV_FILE, Settings


def prepare_prefect_environment(settings: Settings, api_url: str) -> None:
    """Tell Prefect, before it is imported, where its server and its home are. What the user has set stays.

    Analytics are off; Prefect's own words stay off the terminal, its warnings and errors reach the server.
    """
    os.environ["PREFECT_API_URL"] = api_url
    if password := settings.prefect_api_auth_string.get_secret_value():
        os.environ.setdefault("PREFECT_API_AUTH_STRING", password)
        # At DEBUG it logs the headers of a handshake, and with them this password.
        logging.getLogger("websockets").setLevel(logging.INFO)
    for name, value in prefect_server_environment(settings).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def prefect_worker_environment() -> dict[str, str]:
    """Variables for a worker beside its server: a run that is asked for in a form begins within seconds. What the user
    has set stays.
    """
    return {"PREFECT_WORKER_QUERY_SECONDS": os.environ.get("PREFECT_WORKER_QUERY_SECONDS", "2")}


def prefect_server_environment(settings: Settings) -> dict[str, str]:
    """Variables for a Prefect server that belongs to this SKUFLOW_HOME."""
    return {
        "PREFECT_HOME": str((settings.skuflow_home / "prefect").absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
        # A run that died with its server is found at the server's next start, if that is within seven days; Prefect's
        # own minute forgets it.
        "PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER": "P7D",
    }


def prefect_recorder_environment() -> dict[str, str]:
    """Variables for a Prefect server that stays: what it is told of runs is written by hundreds. One by one, which is
    its default, it falls behind at two SKUs a second, and once 10,000 messages wait it throws the next ones away. What
    the user has set stays.
    """
    usual = {
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
        "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "100",
    }
    return {name: os.environ.get(name, value) for name, value in usual.items()}


def handed_on(settings: Settings) -> dict[str, str]:
    """The settings that are set, as variables for a process that may start in another folder: paths are absolute, and
    no file is read there.
    """
    told: dict[str, str] = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        told[name.upper()] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    for name in ("SKUFLOW_HOME", "SKUFLOW_CATALOG", "SKUFLOW_GATE_RULES"):
        if told.get(name) and "://" not in told[name]:
            told[name] = str(Path(told[name]).absolute())
    scheme, _, rest = told.get("SKUFLOW_STORAGE", "").partition(":")
    if scheme == "file":
        told["SKUFLOW_STORAGE"] = f"file:{Path(rest).absolute()}"
    scheme, _, rest = told.get("SKUFLOW_DATABASE_URL", "").partition(":///")
    if scheme == "sqlite":
        told["SKUFLOW_DATABASE_URL"] = f"sqlite:///{Path(rest).absolute()}"
    told["SKUFLOW_ENV_FILE"] = NO_ENV_FILE
    return told


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with additions, for a child process."""
    return {**os.environ, **extra}
