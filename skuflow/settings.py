"""All configuration, read once from the environment and an optional ``.env`` file.

Nothing else in the project reads ``os.environ``. Every field stands in ``.env.example``; a test keeps the two equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from skuflow.jobs.contract import Capability, MicroCNY


class SettingsError(Exception):
    """Configuration that cannot be used; one line that names the variable and what to write instead."""


@dataclass(frozen=True, slots=True)
class CapSetting:
    """``limit`` generations a calendar day for one provider and capability."""

    provider: str
    capability: Capability
    limit: int


class Settings(BaseSettings):
    """The configuration of one process. Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    skuflow_home: Path = Field(Path(".skuflow"), description="Ledger, storage and Prefect's own files.")
    skuflow_database_url: str = Field("", description="Ledger database; empty: SQLite in SKUFLOW_HOME.")
    skuflow_storage: str = Field("", description="file:DIR; empty: storage/ in SKUFLOW_HOME.")
    skuflow_providers: str = Field(
        "", description="copy=a,b;image=c;video=d. Empty: offline. First is preferred."
    )
    skuflow_models: str = Field("", description="provider.capability=model;...")
    skuflow_caps: str = Field(
        "", description="provider.capability=50/day;... Unset: 50 a day each, offline none."
    )
    skuflow_budget: str = Field("50 CNY/day", description="What may be spent a day, over all providers.")
    skuflow_cap_timezone: str = Field("Asia/Shanghai", description="Whose midnight resets caps and budget.")
    skuflow_wait_s: float = Field(900.0, gt=0, description="How long a run waits for one vendor job.")
    skuflow_concurrency: int = Field(4, ge=1, le=256, description="SKUs in work at the same time.")
    skuflow_workers: int = Field(0, ge=0, le=64, description="Threads for pixel work; 0: one per processor.")
    skuflow_server_start_s: int = Field(
        180, ge=10, description="How long Prefect's temporary server may take."
    )
    prefect_api_url: str = Field("", description="A running Prefect server; empty: a temporary one per run.")

    @field_validator("skuflow_cap_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone; write for example Asia/Shanghai") from error
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.skuflow_cap_timezone)

    @property
    def database_url(self) -> str:
        if self.skuflow_database_url:
            return self.skuflow_database_url
        return f"sqlite:///{(self.skuflow_home / 'ledger.sqlite3').absolute()}"

    @property
    def storage_dir(self) -> Path:
        """The folder of a ``file:`` storage. Raises SettingsError for any other scheme."""
        if not self.skuflow_storage:
            return self.skuflow_home / "storage"
        scheme, _, rest = self.skuflow_storage.partition(":")
        if scheme != "file" or not rest:
            raise SettingsError(f"SKUFLOW_STORAGE={self.skuflow_storage!r}: write file:DIR")
        return Path(rest)

    @property
    def worker_threads(self) -> int:
        return self.skuflow_workers or os.cpu_count() or 1

    def providers_for(self, capability: Capability) -> tuple[str, ...]:
        """Provider names for a capability, preferred first. Raises SettingsError when malformed."""
        table = _pairs("SKUFLOW_PROVIDERS", self.skuflow_providers, "copy=qwen;image=wanx,jimeng")
        for name in table:
            if name not in set(Capability):
                known = ", ".join(Capability)
                raise SettingsError(f"SKUFLOW_PROVIDERS: {name!r} is no capability; there are {known}")
        names = tuple(part.strip() for part in table.get(capability, "offline").split(","))
        if not all(names):
            raise SettingsError(f"SKUFLOW_PROVIDERS: {capability}= names no provider")
        return names

    def model_for(self, provider: str, capability: Capability) -> str:
        """The model set for a provider and capability, empty: the provider's default."""
        return self._models().get(f"{provider}.{capability}", "")

    def providers_with_models(self) -> tuple[str, ...]:
        """The providers that SKUFLOW_MODELS names. Raises SettingsError when malformed."""
        return tuple(name.partition(".")[0] for name in self._models())

    def _models(self) -> dict[str, str]:
        table = _pairs("SKUFLOW_MODELS", self.skuflow_models, "kling.video=kling-3.0")
        for name in table:
            provider, _, capability = name.partition(".")
            if not provider or capability not in set(Capability):
                raise SettingsError(f"SKUFLOW_MODELS: {name}={table[name]} is not PROVIDER.CAPABILITY=MODEL")
        return table

    def caps(self) -> tuple[CapSetting, ...]:
        """The caps that are set. Raises SettingsError when malformed."""
        return tuple(
            _cap(name, value)
            for name, value in _pairs("SKUFLOW_CAPS", self.skuflow_caps, "wanx.image=50/day").items()
        )

    def budget_micro(self) -> MicroCNY:
        """The day's budget in micro-CNY. Raises SettingsError when malformed."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d{1,6})?)\s*CNY\s*/\s*day\s*", self.skuflow_budget)
        if match is None:
            raise SettingsError(f"SKUFLOW_BUDGET={self.skuflow_budget!r}: write for example 200 CNY/day")
        whole, _, fraction = match[1].partition(".")
        return int(whole) * 1_000_000 + int(fraction.ljust(6, "0"))


def _pairs(variable: str, text: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in filter(None, (piece.strip() for piece in text.split(";"))):
        name, equals, value = (piece.strip() for piece in item.partition("="))
        if not (name and equals and value):
            raise SettingsError(f"{variable}: {item!r} is not name=value; write for example {example}")
        if name in pairs:
            raise SettingsError(f"{variable}: {name!r} is set twice")
        pairs[name] = value
    return pairs


def _cap(name: str, value: str) -> CapSetting:
    provider, _, capability = name.partition(".")
    limit = re.fullmatch(r"(\d+)\s*/\s*day", value)
    if not provider or capability not in set(Capability) or limit is None:
        raise SettingsError(f"SKUFLOW_CAPS: {name}={value} is not PROVIDER.CAPABILITY=NUMBER/day")
    return CapSetting(provider, Capability(capability), int(limit[1]))


def read_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """The environment's settings. ``overrides`` (field name -> value) win, for tests and command-line options.

    Raises SettingsError with one line for anything that cannot be used, also where it would be used only later.
    """
    try:
        settings = Settings(**dict(overrides or {}))  # type: ignore[arg-type]  # values are validated by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from error
    for capability in Capability:
        settings.providers_for(capability)
        settings.model_for("", capability)
    settings.caps()
    settings.budget_micro()
    return settings


def prepare_prefect_environment(settings: Settings, api_url: str) -> None:
    """Tell Prefect, before it is imported, where its server and its home are. What the user has set stays.

    Analytics are off; Prefect's own words stay off the terminal, its warnings and errors reach the server.
    """
    os.environ["PREFECT_API_URL"] = api_url
    for name, value in prefect_server_environment(settings).items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def prefect_server_environment(settings: Settings) -> dict[str, str]:
    """Variables for a Prefect server that belongs to this SKUFLOW_HOME."""
    return {
        "PREFECT_HOME": str((settings.skuflow_home / "prefect").absolute()),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    }


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with additions, for a child process."""
    return {**os.environ, **extra}
