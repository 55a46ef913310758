"""The one place where settings become storage, ledger, runner and providers."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import sqlalchemy.exc

from providers.registry import Workplace, build_provider, require_capability, require_known
from skuflow.jobs.contract import Capability, Provider, Request
from skuflow.jobs.doorbell import Doorbells
from skuflow.jobs.outcome import Outcome
from skuflow.jobs.router import Offer, Router
from skuflow.jobs.runner import Runner
from skuflow.jobs.surroundings import Pace
from skuflow.ledger.caps import Budget, CapRule, Limits
from skuflow.ledger.errors import SchemaError
from skuflow.ledger.ledger import Ledger, utc_now
from skuflow.ledger.redaction import keep_secret, scrubbed, secrets_of
from skuflow.ledger.rows import JobRow
from skuflow.listing.kit import Kit
from skuflow.listing.rewriting import rewritten
from skuflow.settings import Settings, SettingsError, read_settings
from skuflow.storage.keys import sku_slug
from skuflow.storage.objects import ObjectStore, StorageError
from skuflow.storage.opening import open_store

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

STUDIO = "offline"
"""Who makes the white main image, whoever makes the scenes: the seller's own pixels need no vendor."""


class Progress(Protocol):
    """Who wants to know how far a batch is."""

    def say(self, line: str) -> None: ...

    def batch_started(self, skus: int, finished_before: int) -> None: ...

    def passed_over(self, skus: int) -> None:
        """So many more turn out to need nothing, once the batch has begun."""
        ...

    def sku_step(self, sku: str, step: str) -> None: ...

    def sku_done(self, sku: str, status: str) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def say(self, line: str) -> None: ...

    def batch_started(self, skus: int, finished_before: int) -> None: ...

    def passed_over(self, skus: int) -> None: ...

    def sku_step(self, sku: str, step: str) -> None: ...

    def sku_done(self, sku: str, status: str) -> None: ...


@dataclass
class Wiring:
    """Everything a step needs. ``close`` ends its threads and database connections.

    ``on_kit`` is called, in some thread, with each kit as soon as it is published or passed over; it must not raise.
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

    def offers(self, request: Request) -> tuple[Offer, ...]:
        """Who can fill the request's slot, preferred first. Raises InvalidInputError where nobody can."""
        if request.slot.role == "image:main":
            studio = self.provider_named(STUDIO)
            return (Offer(studio, request, studio.estimate(request)),)
        return self._router.offers(request)

    async def make(self, request: Request, *, remake: bool = False, known: JobRow | None = None) -> Outcome:
        """Have the request's slot filled, through the ledger, by whoever is to do it."""
        if request.slot.role == "image:main":
            return await self.runner.run(request, self.provider_named(STUDIO), remake=remake, known=known)
        return await self._router.make(request, remake=remake, known=known)

    def provider_named(self, name: str) -> Provider:
        """Raises SettingsError for a provider that does not exist, or whose key is missing."""
        if name not in self._providers:
            workplace = Workplace(self.settings, self.store, self.pool)
            self._providers[name] = build_provider(name, workplace)
        return self._providers[name]

    def use_provider(self, provider: Provider) -> None:
        """Let ``provider`` stand in under its name, for tests and benchmarks."""
        self._providers[provider.name] = provider

    @cached_property
    def _router(self) -> Router:
        return Router(
            self.runner,
            provider_named=self.provider_named,
            standing=self.settings.providers_for,
            rules=self.settings.routes(),
            model_for=self.settings.model_for,
            rewritten=rewritten,
        )

    async def in_pool(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work in the pixel pool, so that the event loop goes on."""
        return await asyncio.wrap_future(self.pool.submit(work, *args, **kwargs))

    def report_crash(self, sku: str, trace: str) -> None:
        """Keep the trace of an unforeseen error where a person can read it: in the log where no file can be written."""
        folder, said = self.settings.skuflow_home / "crashes", scrubbed(trace)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{sku_slug(sku)}.txt").write_text(said, encoding="utf-8")
        except OSError as error:
            _log.warning("%s: the trace cannot be written to %s (%s):\n%s", sku, folder, error, said)

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.runner.close()
        self.ledger.close()


def wire(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    pace: Pace | None = None,
    looks_at_storage: bool = True,
) -> Wiring:
    """Storage, ledger (brought up to date), runner and pool of ``settings``. ``clock`` and ``sleep``: the runner's
    time; ``pace``: its patience, where it is not to be that of the settings. From here on no text of this process that
    passes ``redacted`` or ``scrubbed`` holds a secret of theirs.

    Raises SettingsError, in one line without secrets, for a provider that does not exist or cannot do what it is
    named for, a home or storage that is no folder, a bucket that cannot be asked (unless ``looks_at_storage`` is
    False), and a database that cannot be opened.
    """
    keep_secret(secrets_of(settings))
    require_known("SKUFLOW_CAPS", (cap.provider for cap in settings.caps()))
    require_known("SKUFLOW_MODELS", settings.providers_with_models())
    require_known("SKUFLOW_PROVIDERS", (name for cap in Capability for name in settings.providers_for(cap)))
    require_known("SKUFLOW_ROUTES", (name for rule in settings.routes() for name in rule.providers))
    _require_folders(settings)
    store = open_store(settings)
    if looks_at_storage:
        _require_storage(store)
    pool = ThreadPoolExecutor(settings.worker_threads, thread_name_prefix="pixels")
    providers: dict[str, Provider] = {}
    for capability, name in settings.providers_in_use():
        if name not in providers:
            providers[name] = build_provider(name, Workplace(settings, store, pool))
        require_capability(providers[name], capability)
    ledger = _open_ledger(settings, clock)
    wiring = Wiring(
        settings=settings,
        store=store,
        ledger=ledger,
        runner=Runner(
            ledger,
            store,
            clock=clock,
            sleep=sleep,
            pace=pace or Pace(wait_s=settings.skuflow_wait_s),
            repeatable_below_micro=settings.repeat_copy_below_micro(),
            provider_named=lambda name: _provider_if_configured(wiring, name),
            rung=Doorbells(settings.skuflow_home / "doorbells").rung
            if settings.skuflow_callback_url
            else None,
        ),
        pool=pool,
        _providers=providers,
    )
    return wiring


def _provider_if_configured(wiring: Wiring, name: str) -> Provider | None:
    """The provider of a job that an earlier run left, None where this configuration cannot reach it."""
    try:
        return wiring.provider_named(name)
    except SettingsError:
        return None


def _require_folders(settings: Settings) -> None:
    home, storage = settings.skuflow_home, settings.storage
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"SKUFLOW_HOME={home}: cannot be used as a folder ({error.strerror}); name another one"
        ) from error
    if isinstance(storage, Path) and storage.exists() and not storage.is_dir():
        raise SettingsError(f"SKUFLOW_STORAGE: {storage} is no folder; name another one")


def _require_storage(store: ObjectStore) -> None:
    """One question, so that a wrong bucket, key or region is told once, before any SKU fails of it.

    It is a list, since OSS's reply to it has a body that says what is wrong, and of a folder that is as good as empty.
    """
    try:
        next(iter(store.list("doctor/")), None)
    except StorageError as error:
        raise SettingsError(str(error)) from error


def _open_ledger(settings: Settings, clock: Callable[[], datetime]) -> Ledger:
    limits = Limits(
        rules=tuple(CapRule(cap.provider, cap.capability, cap.limit) for cap in settings.caps()),
        budget=Budget(settings.budget_micro()),
        zone=settings.zone,
        duplicate_guard=timedelta(hours=settings.skuflow_duplicate_guard_h),
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


def current_if_any() -> Wiring | None:
    """This process's wiring, None where none was made yet."""
    with _lock:
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
