"""The one place where settings become storage, ledger, runner and providers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ParamSpec, Protocol, TypeVar

import sqlalchemy.exc

from providers.registry import Workplace, build_provider, require_capability, require_known
from skuflow.jobs.contract import Capability, Provider, Slot
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.errors import SchemaError
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.listing.kit import Kit
from skuflow.settings import Settings, SettingsError, read_settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore

P = ParamSpec("P")
T = TypeVar("T")

STUDIO = "offline"
"""Who makes the white main image, whoever makes the scenes: the seller's own pixels need no vendor."""


class Progress(Protocol):
    """Who wants to know how far a batch is."""

    def batch_started(self, skus: int, finished_before: int) -> None: ...

    def sku_step(self, sku: str, step: str) -> None: ...

    def sku_done(self, sku: str, status: str) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def batch_started(self, skus: int, finished_before: int) -> None: ...

    def sku_step(self, sku: str, step: str) -> None: ...

    def sku_done(self, sku: str, status: str) -> None: ...


@dataclass(slots=True)
class Wiring:
    """Everything a step needs. ``close`` ends its threads and database connections.

    ``on_kit`` is called, in some thread, with each kit as soon as it is published; it must not raise.
    """

    settings: Settings
    store: ObjectStore
    ledger: Ledger
    runner: Runner
    pool: ThreadPoolExecutor
    progress: Progress = field(default_factory=Silent)
    done_skus: int = 0
    on_kit: Callable[[Kit], None] | None = None
    _providers: dict[str, Provider] = field(default_factory=dict)

    def provider(self, slot: Slot) -> Provider:
        """Who is to fill a slot. Raises SettingsError for a provider that does not exist or cannot do it."""
        capability = Capability(slot.role.partition(":")[0])
        if slot.role == "image:main":
            return self.provider_named(STUDIO)
        provider = self.provider_named(self.settings.providers_for(capability)[0])
        require_capability(provider, capability)
        return provider

    def provider_named(self, name: str) -> Provider:
        if name not in self._providers:
            workplace = Workplace(self.settings, self.store, self.pool)
            self._providers[name] = build_provider(name, workplace)
        return self._providers[name]

    def use_provider(self, provider: Provider) -> None:
        """Let ``provider`` stand in under its name, for tests and benchmarks."""
        self._providers[provider.name] = provider

    def model(self, slot: Slot) -> str:
        capability = Capability(slot.role.partition(":")[0])
        return self.settings.model_for(self.provider(slot).name, capability)

    async def in_pool(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in the pixel pool, so that the event loop goes on."""
        return await asyncio.wrap_future(self.pool.submit(work, *args, **kwargs))

    def report_crash(self, sku: str, trace: str) -> None:
        """Keep the trace of an unforeseen error where a person can read it."""
        folder = self.settings.skuflow_home / "crashes"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{sku_slug(sku)}.txt").write_text(trace, encoding="utf-8")

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.runner.close()
        self.ledger.close()


def wire(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> Wiring:
    """Storage, ledger (brought up to date), runner and pool of ``settings``.

    Raises SettingsError, in one line without secrets, for a provider that does not exist or cannot do what it is
    named for, a home or storage that is no folder, and a database that cannot be opened.
    """
    require_known("SKUFLOW_CAPS", (cap.provider for cap in settings.caps()))
    require_known("SKUFLOW_MODELS", settings.providers_with_models())
    for capability in Capability:
        require_known("SKUFLOW_PROVIDERS", settings.providers_for(capability))
    _require_folders(settings)
    store = FolderStore(settings.storage_dir)
    pool = ThreadPoolExecutor(settings.worker_threads, thread_name_prefix="pixels")
    providers: dict[str, Provider] = {}
    for capability in Capability:
        for name in settings.providers_for(capability):
            if name not in providers:
                providers[name] = build_provider(name, Workplace(settings, store, pool))
            require_capability(providers[name], capability)
    ledger = _open_ledger(settings, clock)
    return Wiring(
        settings=settings,
        store=store,
        ledger=ledger,
        runner=Runner(ledger, store, clock=clock, pace=Pace(wait_s=settings.skuflow_wait_s)),
        pool=pool,
        _providers=providers,
    )


def _require_folders(settings: Settings) -> None:
    home, storage = settings.skuflow_home, settings.storage_dir
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"SKUFLOW_HOME={home}: cannot be used as a folder ({error.strerror}); name another one"
        ) from error
    if storage.exists() and not storage.is_dir():
        raise SettingsError(f"SKUFLOW_STORAGE: {storage} is no folder; name another one")


def _open_ledger(settings: Settings, clock: Callable[[], datetime]) -> Ledger:
    limits = Limits(
        rules=tuple(CapRule(cap.provider, cap.capability, cap.limit) for cap in settings.caps()),
        budget=Budget(settings.budget_micro()),
        zone=settings.zone,
    )
    try:
        return Ledger.open(settings.database_url, limits=limits, clock=clock)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        # The error may quote the address, and with it a password.
        raise SettingsError(
            "SKUFLOW_DATABASE_URL: no address of a database; write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from error
    except sqlalchemy.exc.DBAPIError as error:
        said = next(iter(str(error.orig).splitlines()), "no reason given")
        raise SettingsError(
            f"{_database_variable(settings)}: the ledger cannot be opened ({said})"
        ) from error
    except (OSError, SchemaError) as error:
        raise SettingsError(f"{_database_variable(settings)}: {' '.join(str(error).split())}") from error


def _database_variable(settings: Settings) -> str:
    return "SKUFLOW_DATABASE_URL" if settings.skuflow_database_url else "SKUFLOW_HOME"


_lock = threading.Lock()
_current: Wiring | None = None


def current() -> Wiring:
    """This process's wiring; made from the environment the first time, so that a worker needs no set-up code."""
    global _current
    with _lock:
        if _current is None:
            _current = wire(read_settings())
        return _current


@contextmanager
def using(wiring: Wiring) -> Iterator[Wiring]:
    """Make ``wiring`` the current one for a while, then close it."""
    global _current
    with _lock:
        previous, _current = _current, wiring
    try:
        yield wiring
    finally:
        with _lock:
            _current = previous
        wiring.close()
