"""All configuration, read once from the environment and an optional ``.env`` file.

Nothing else in the project reads ``os.environ`` but ``skuflow/environment.py``, for Prefect and for child processes.
Every field stands in ``.env.example``; a test keeps the two equal.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from skuflow.insights.exchange import ExchangeRates, RateError, parse_rate
from skuflow.jobs.contract import Capability, MicroCNY
from skuflow.jobs.routes import RouteError, RouteRule, parse_routes
from skuflow.notices.receiver import Receiver, ReceiverError, receiver_of
from skuflow.refusals import RefusalError
from skuflow.storage.places import OSS_SCHEME, OssPlace, PlaceError, folder_of, oss_place

Languages = tuple[Literal["en", "zh"], ...]
"""In which languages something is said to people, the first of them first."""
BOTH: Languages = ("en", "zh")

NO_ENV_FILE = "none"
"""As SKUFLOW_ENV_FILE: the environment alone counts."""
_WITHOUT_VENDOR = "offline"
_AT_ONCE_OFFLINE = 4
_AT_ONCE_WITH_VENDORS = 24


class SettingsError(RefusalError):
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

    skuflow_env_file: str = Field(
        "", description="Read instead of .env of the current folder; none: no file. In the environment only."
    )
    skuflow_home: Path = Field(Path(".skuflow"), description="Ledger, storage and Prefect's own files.")
    # Not shown, since it may hold a password.
    skuflow_database_url: str = Field(
        "", repr=False, description="Ledger database; empty: SQLite in SKUFLOW_HOME."
    )
    skuflow_storage: str = Field(
        "", description="file:DIR or oss://BUCKET/PREFIX; empty: storage/ in SKUFLOW_HOME."
    )
    skuflow_providers: str = Field(
        "", description="copy=a,b;image=c;video=d. Empty: offline. First is preferred."
    )
    skuflow_models: str = Field("", description="provider.capability=model;...")
    skuflow_routes: str = Field(
        "", description="image[value>=500]=jimeng;video[type=atmosphere]=hailuo;... Other providers by rule."
    )
    skuflow_caps: str = Field(
        "", description="provider.capability=50/day;... Unset: 50 a day each, offline none."
    )
    skuflow_budget: str = Field("50 CNY/day", description="What may be spent a day, over all providers.")
    skuflow_cap_timezone: str = Field("Asia/Shanghai", description="Whose midnight resets caps and budget.")
    skuflow_wait_s: float = Field(900.0, gt=0, description="How long a run waits for one vendor job.")
    skuflow_concurrency: int = Field(
        0,
        ge=0,
        le=256,
        description="SKUs in work at the same time; 0: 4, or 24 where vendors do part of the work.",
    )
    skuflow_chunk_skus: int = Field(
        200, ge=1, le=1000, description="SKUs of one run; what is more is cut into chunks of so many."
    )
    skuflow_workers: int = Field(0, ge=0, le=64, description="Threads for pixel work; 0: one per processor.")
    skuflow_server_start_s: int = Field(
        180, ge=10, description="How long Prefect's temporary server may take."
    )
    skuflow_http_timeout_s: float = Field(
        120.0, ge=0.1, le=240, description="How long one request to a vendor may take; below a job's lease."
    )
    skuflow_repeat_copy_below: str = Field(
        "0 CNY", description="A text call below this price may be repeated when its reply was lost."
    )
    skuflow_outsourcing: str = Field(
        "150 CNY", description="What one SKU's listing costs when it is ordered from an agency."
    )
    skuflow_language: Literal["", "en", "zh", "both"] = Field(
        "",
        description="What the terminal says to people: en, zh or both. Empty: Chinese in a Chinese locale, else both.",
    )
    skuflow_exchange_rates: str = Field(
        "", description="USD@2026-11-01=7.12;... CNY for one unit from that day on, for figures of ads."
    )
    skuflow_catalog: str = Field("", description="The shop's catalog, in which product names are looked up.")
    skuflow_gate_rules: str = Field("", description="YAML with own limits of the intake gate, by code.")
    skuflow_text_detection: Literal["on", "off"] = Field(
        "on", description="Whether photos are searched for text and watermarks; about 3 s a photo on a core."
    )
    skuflow_duplicate_guard_h: float = Field(
        72.0,
        ge=0,
        le=24 * 366,
        description="How long a near-identical generation of a SKU is refused; 0: never.",
    )
    skuflow_content_producer: str = Field(
        "skuflow",
        description="Who made the content, in the labels of GB 45438-2025: name or registration code.",
    )
    skuflow_allow_loopback_links: bool = Field(
        False, description="Product links may lead to this machine; for tests only."
    )
    skuflow_settle_s: float = Field(
        20.0,
        ge=0,
        le=3600,
        description="How long nothing may change in a folder below incoming/ before it is read.",
    )
    skuflow_ring_every_s: float = Field(
        15.0, ge=1, le=3600, description="How often at most arrivals are announced to Prefect."
    )
    skuflow_events_token: SecretStr = Field(
        SecretStr(""), description="What senders of storage events must show; empty: loopback only."
    )
    skuflow_kits_token: SecretStr = Field(
        SecretStr(""), description="What back ends show to fetch kits; empty: kits are not served."
    )
    oss_access_key_id: SecretStr = Field(SecretStr(""), description="Key of a RAM user, for oss:// storage.")
    oss_access_key_secret: SecretStr = Field(SecretStr(""), description="See oss_access_key_id.")
    oss_session_token: SecretStr = Field(SecretStr(""), description="Of a temporary key (STS) only.")
    oss_endpoint: str = Field("", description="Reads and writes; empty: the region's public endpoint.")
    oss_public_endpoint: str = Field("", description="In addresses for vendors; empty: by oss_endpoint.")
    oss_region: str = Field("", description="The bucket's, such as cn-hangzhou; empty: by oss_endpoint.")
    prefect_api_url: str = Field("", description="A running Prefect server; empty: a temporary one per run.")

    skuflow_host: str = Field(
        "127.0.0.1", description="Where skuflow up listens; beyond loopback only with a password."
    )
    skuflow_ui_port: int = Field(4200, ge=1, le=65_535, description="Port of Prefect's server and UI.")
    skuflow_events_port: int = Field(4280, ge=1, le=65_535, description="Port of the receiver of OSS events.")
    skuflow_runs_at_once: int = Field(
        2, ge=1, le=64, description="Flow runs at the same time on the worker of skuflow up."
    )
    skuflow_alert_webhook: SecretStr = Field(
        SecretStr(""), description="Address that is told of failed runs and of what a person must see."
    )
    skuflow_webhook_url: SecretStr = Field(
        SecretStr(""), description="Address that is told of every run and kit; https, or this machine."
    )
    skuflow_webhook_secret: SecretStr = Field(SecretStr(""), description="Signs what is told there.")
    prefect_server_api_auth_string: SecretStr = Field(
        SecretStr(""), description="user:password of Prefect's server and UI."
    )
    prefect_api_auth_string: SecretStr = Field(
        SecretStr(""), description="The same for clients; skuflow up takes the server's."
    )

    dashscope_api_key: SecretStr = Field(SecretStr(""), description="qwen, wanx.")
    dashscope_http_base_url: str = Field("https://dashscope.aliyuncs.com/api/v1", description="Native API.")
    dashscope_compatible_base_url: str = Field(
        "https://dashscope.aliyuncs.com/compatible-mode/v1", description="OpenAI protocol."
    )
    dashscope_workspace_id: str = Field("", description="Needed for keys of RAM sub-accounts.")
    skuflow_dashscope_inputs: Literal["upload", "data"] = Field(
        "upload", description="How wanx gets pictures from local storage: temporary upload, or data URI."
    )
    kling_api_key: SecretStr = Field(SecretStr(""), description="Works for all models.")
    kling_access_key: SecretStr = Field(SecretStr(""), description="With the secret key: JWT, legacy models.")
    kling_secret_key: SecretStr = Field(SecretStr(""), description="See kling_access_key.")
    kling_base_url: str = Field("https://api-beijing.klingai.com", description="Outside China: -singapore.")
    kling_webhook_secret: SecretStr = Field(SecretStr(""), description="Checks callbacks' signatures.")
    minimax_api_key: SecretStr = Field(SecretStr(""), description="hailuo; keys belong to one region.")
    minimax_base_url: str = Field("https://api.minimaxi.com", description="Outside China: api.minimax.io.")
    jimeng_access_key: SecretStr = Field(SecretStr(""), description="Volcengine access key.")
    jimeng_secret_key: SecretStr = Field(SecretStr(""), description="Volcengine secret key.")
    jimeng_base_url: str = Field("https://visual.volcengineapi.com", description="Volcengine Visual.")
    ark_api_key: SecretStr = Field(SecretStr(""), description="Seedream and Seedance.")
    ark_base_url: str = Field("https://ark.cn-beijing.volces.com/api/v3", description="Volcengine Ark.")
    openai_api_key: SecretStr = Field(SecretStr(""), description="Any server of the OpenAI protocol.")
    openai_base_url: str = Field(
        "https://api.openai.com/v1", description="Any server of the OpenAI protocol."
    )
    openai_prices: str = Field(
        "", description="MODEL=IN/OUT CNY per million tokens;... What the server charges, for caps and cost."
    )
    skuflow_callback_url: str = Field(
        "", description="Public address of the callback receiver; empty: vendors are only polled."
    )

    @field_validator("skuflow_cap_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is no time zone; write for example Asia/Shanghai") from error
        return name

    @property
    def languages(self) -> Languages:
        """In which languages a terminal tells people what was found: those of SKUFLOW_LANGUAGE; where it is empty
        Chinese if the locale is (LC_ALL, else LC_MESSAGES, else LANG), and both languages in any other, since that of a
        server says little about who reads it.
        """
        if self.skuflow_language == "both":
            return BOTH
        if self.skuflow_language:
            return (self.skuflow_language,)
        names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
        locale = next(filter(None, names), "").casefold()
        return ("zh",) if locale.startswith(("zh", "chinese")) else BOTH

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.skuflow_cap_timezone)

    @property
    def database_url(self) -> str:
        if self.skuflow_database_url:
            return self.skuflow_database_url
        return f"sqlite:///{(self.skuflow_home / 'ledger.sqlite3').absolute()}"

    @property
    def storage(self) -> Path | OssPlace:
        """Where objects are kept. Raises SettingsError when malformed, or where OSS needs more than is set."""
        try:
            if not self.skuflow_storage:
                return self.skuflow_home / "storage"
            if self.skuflow_storage.startswith(OSS_SCHEME):
                return oss_place(self.skuflow_storage, self._oss_variables())
            return folder_of(self.skuflow_storage)
        except PlaceError as error:
            raise SettingsError(str(error)) from error

    @property
    def storage_dir(self) -> Path:
        """The folder of a ``file:`` storage. Raises SettingsError for any other."""
        place = self.storage
        if isinstance(place, OssPlace):
            raise SettingsError(
                f"SKUFLOW_STORAGE={self.skuflow_storage!r}: this needs a folder; write file:DIR"
            )
        return place

    def _oss_variables(self) -> dict[str, str]:
        return {
            "OSS_ACCESS_KEY_ID": self.oss_access_key_id.get_secret_value(),
            "OSS_ACCESS_KEY_SECRET": self.oss_access_key_secret.get_secret_value(),
            "OSS_SESSION_TOKEN": self.oss_session_token.get_secret_value(),
            "OSS_ENDPOINT": self.oss_endpoint,
            "OSS_PUBLIC_ENDPOINT": self.oss_public_endpoint,
            "OSS_REGION": self.oss_region,
        }

    @property
    def worker_threads(self) -> int:
        return self.skuflow_workers or os.cpu_count() or 1

    @property
    def skus_at_once(self) -> int:
        """SKUs in work at the same time. One that waits for a vendor costs next to nothing, and the slowest stage is
        only kept busy if enough SKUs are beside it; pixel work is bounded by the worker threads either way.
        """
        if self.skuflow_concurrency:
            return self.skuflow_concurrency
        waits = any(name != _WITHOUT_VENDOR for _, name in self.providers_in_use())
        return _AT_ONCE_WITH_VENDORS if waits else _AT_ONCE_OFFLINE

    def providers_for(self, capability: Capability) -> tuple[str, ...]:
        """Provider names for a capability, preferred first; none where nobody does it (judge, unless named).

        Raises SettingsError when malformed.
        """
        table = _pairs("SKUFLOW_PROVIDERS", self.skuflow_providers, "copy=qwen;image=wanx,jimeng")
        for name in table:
            if name not in set(Capability):
                known = ", ".join(Capability)
                raise SettingsError(f"SKUFLOW_PROVIDERS: {name!r} is no capability; there are {known}")
        default = "" if capability is Capability.JUDGE else _WITHOUT_VENDOR
        value = table.get(capability, default)
        if not value:
            return ()
        names = tuple(part.strip() for part in value.split(","))
        if not all(names):
            raise SettingsError(f"SKUFLOW_PROVIDERS: {capability}= names no provider")
        return names

    def providers_in_use(self) -> tuple[tuple[Capability, str], ...]:
        """Every provider that a request may go to, with what it would be asked for."""
        standing = [
            (capability, name) for capability in Capability for name in self.providers_for(capability)
        ]
        by_rule = [(rule.capability, name) for rule in self.routes() for name in rule.providers]
        return tuple(dict.fromkeys((*standing, *by_rule)))

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
        return _micro("SKUFLOW_BUDGET", self.skuflow_budget, r"\s*/\s*day", "200 CNY/day")

    def repeat_copy_below_micro(self) -> MicroCNY:
        """Text calls below this may be repeated when in doubt; micro-CNY. Raises SettingsError when malformed."""
        return _micro("SKUFLOW_REPEAT_COPY_BELOW", self.skuflow_repeat_copy_below, "", "0.05 CNY")

    def outsourcing_micro(self) -> MicroCNY:
        """What a SKU costs elsewhere, in micro-CNY. Raises SettingsError when malformed."""
        return _micro("SKUFLOW_OUTSOURCING", self.skuflow_outsourcing, "", "150 CNY")

    def exchange_rates(self) -> ExchangeRates:
        """The dated exchange rates. Raises SettingsError when malformed."""
        pairs = _pairs("SKUFLOW_EXCHANGE_RATES", self.skuflow_exchange_rates, "USD@2026-11-01=7.12")
        try:
            return ExchangeRates.of(parse_rate(name, value) for name, value in pairs.items())
        except RateError as error:
            raise SettingsError(f"SKUFLOW_EXCHANGE_RATES: {error}") from error

    def webhook(self) -> Receiver | None:
        """Who is told of runs and kits, None for nobody. Raises SettingsError when it cannot be used."""
        url, secret = self.skuflow_webhook_url, self.skuflow_webhook_secret
        try:
            return receiver_of(url.get_secret_value().strip(), secret.get_secret_value())
        except ReceiverError as error:
            raise SettingsError(str(error)) from error

    def routes(self) -> tuple[RouteRule, ...]:
        """The routing rules, in order. Raises SettingsError when malformed."""
        try:
            return parse_routes(self.skuflow_routes)
        except RouteError as error:
            raise SettingsError(f"SKUFLOW_ROUTES: {error}") from error


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


def _micro(variable: str, text: str, ending: str, example: str) -> MicroCNY:
    match = re.fullmatch(rf"\s*(\d+(?:\.\d{{1,6}})?)\s*CNY{ending}\s*", text)
    if match is None:
        raise SettingsError(f"{variable}={text!r}: write for example {example}")
    whole, _, fraction = match[1].partition(".")
    return int(whole) * 1_000_000 + int(fraction.ljust(6, "0"))


def _cap(name: str, value: str) -> CapSetting:
    provider, _, capability = name.partition(".")
    limit = re.fullmatch(r"(\d+)\s*/\s*day", value)
    if not provider or capability not in set(Capability) or limit is None:
        raise SettingsError(f"SKUFLOW_CAPS: {name}={value} is not PROVIDER.CAPABILITY=NUMBER/day")
    return CapSetting(provider, Capability(capability), int(limit[1]))


def _env_file() -> Path | None:
    named = os.environ.get("SKUFLOW_ENV_FILE", "")
    if named in ("", NO_ENV_FILE):
        return None if named else Path(".env")
    if not Path(named).is_file():
        raise SettingsError(
            f"SKUFLOW_ENV_FILE={named}: there is no such file; name one, or write {NO_ENV_FILE}"
        )
    return Path(named)


def read_settings(
    overrides: Mapping[str, object] | None = None, *, looks_at_storage: bool = True
) -> Settings:
    """The environment's settings. ``overrides`` (field name -> value) win, for tests and command-line options.
    ``looks_at_storage=False`` is for those who need no storage, or only then learn its keys: blocks may hold them.

    Raises SettingsError with one line for anything that cannot be used, also where it would be used only later.
    """
    try:
        # Values are validated by pydantic.
        settings = Settings(_env_file=_env_file(), **dict(overrides or {}))  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from error
    for capability in Capability:
        settings.providers_for(capability)
        settings.model_for("", capability)
    settings.caps()
    settings.budget_micro()
    settings.repeat_copy_below_micro()
    settings.outsourcing_micro()
    settings.exchange_rates()
    settings.routes()
    settings.webhook()
    if looks_at_storage:
        _ = settings.storage
    return settings
