"""A small web server for storage events. It records which objects landed and rings for the runs that work them off.

``python -m deployments.events`` starts it as the settings say; ``uvicorn --factory
deployments.events.app:from_settings`` does the same on an address of your own. Put HTTPS before it where events come
from outside.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import sqlalchemy.exc
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy.engine import Engine

from deployments.events.bell import bell_of
from deployments.events.keeper import Keeper
from deployments.events.recording import Recorder
from deployments.events.shapes import EventShapeError, Received, read_events
from deployments.request_bodies import read_body
from skuflow.catalog.arrivals.book import ArrivalBook
from skuflow.catalog.arrivals.keys import LOCAL, announced_keys, bucket_of
from skuflow.catalog.arrivals.states import Announced, ArrivalFolder, FolderState
from skuflow.catalog.arrivals.sweeping import Sweeper
from skuflow.ledger.engine import open_engine
from skuflow.ledger.errors import SchemaError
from skuflow.ledger.migrate import upgrade_engine
from skuflow.ledger.redaction import keep_secret, redacted, secrets_of
from skuflow.notices.courier import Courier
from skuflow.notices.outbox import Outbox
from skuflow.settings import Settings, SettingsError, read_settings
from skuflow.storage.opening import open_store

MAX_BODY_BYTES = 256 * 1024
"""MNS and EventBridge carry at most 64 KiB."""
BODY_TIMEOUT_S = 10.0
ROUND_S = 2.0
LOCAL_SWEEP_S = 3.0
"""A folder tells nobody of new files, so it is walked through."""
BUCKET_SWEEP_S = 600.0
_SHOWN = 50

_log = logging.getLogger(__name__)


def create_app(
    book: ArrivalBook,
    keeper: Keeper | None,
    *,
    courier: Courier | None = None,
    outbox: Outbox | None = None,
    token: str = "",
    body_timeout_s: float = BODY_TIMEOUT_S,
    round_s: float = ROUND_S,
    on_stop: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The receiver. ``token``: what senders must show; empty: requests are taken from this machine only. ``keeper``:
    its rounds are made for as long as the server runs, and ``courier`` delivers notices from ``outbox``.

    Answers 401 to strangers, 400 to what is no storage event, 408 and 413 to slow and long bodies, and 503 while the
    database cannot be written to, so that the sender comes again.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        rounds = [asyncio.create_task(_keep(keeper, round_s))] if keeper is not None else []
        rounds += [asyncio.create_task(courier.keep())] if courier is not None else []
        try:
            yield
        finally:
            for task in rounds:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            on_stop()

    app = FastAPI(title="skuflow events", openapi_url=None, docs_url=None, redoc_url=None, lifespan=life)

    recorder = Recorder(book)

    async def take(request: Request) -> dict[str, int]:
        body = await read_body(request, limit_bytes=MAX_BODY_BYTES, timeout_s=body_timeout_s, what="event")
        try:
            received = read_events(body)
        except EventShapeError as error:
            _log.warning("a storage event was refused: %s", error)
            raise HTTPException(400, str(error)) from error
        try:
            announced, ignored = _announced(book, received)
            await recorder.record(announced)
        except sqlalchemy.exc.SQLAlchemyError as error:
            _log.warning("a storage event could not be recorded: %s", type(error).__name__)
            raise HTTPException(503, "the database cannot be written to for now; send it again") from error
        return {"taken": len(received.created) + received.ignored - ignored, "ignored": ignored}

    @app.post("/events/oss")
    async def oss(request: Request) -> dict[str, int]:
        _require_trusted(request, token, _shown_in_headers(request))
        return await take(request)

    @app.post("/events/mns")
    async def mns(request: Request) -> dict[str, int]:
        # A subscription of MNS is an address and nothing else, so its token stands there.
        _require_trusted(request, token, request.query_params.get("token", "") or _shown_in_headers(request))
        return await take(request)

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/status")
    async def status(request: Request) -> dict[str, Any]:
        _require_trusted(request, token, _shown_in_headers(request))
        return await asyncio.to_thread(_status, book, keeper, outbox)

    return app


def from_settings() -> FastAPI:
    """The receiver as the environment says, with that of vendors' callbacks where SKUFLOW_CALLBACK_URL is set, for
    uvicorn's ``--factory``. Raises SettingsError.
    """
    settings = read_settings()
    keep_secret(secrets_of(settings))
    bucket = bucket_of(settings)
    engine = _open_database(settings)
    book = ArrivalBook(engine, bucket, settle_s=settings.skuflow_settle_s)
    bell = bell_of(settings)
    if bell is None:
        _log.warning("PREFECT_API_URL is not set: arrivals are recorded, but no run is started for them")
    keeper = Keeper(
        book,
        Sweeper(open_store(settings), book),
        bell,
        ring_every_s=settings.skuflow_ring_every_s,
        sweep_every_s=LOCAL_SWEEP_S if bucket == LOCAL else BUCKET_SWEEP_S,
    )
    receiver, outbox = settings.webhook(), Outbox(engine)
    app = create_app(
        book,
        keeper,
        courier=None if receiver is None else Courier(outbox, receiver, open_store(settings)),
        outbox=None if receiver is None else outbox,
        token=settings.skuflow_events_token.get_secret_value(),
        on_stop=engine.dispose,
    )
    if settings.skuflow_callback_url:
        from deployments.callbacks.app import from_settings as callbacks

        app.include_router(callbacks().router)
    from deployments.kits.app import from_settings as kits

    if (served := kits(settings)) is not None:
        app.include_router(served)
    return app


def _open_database(settings: Settings) -> Engine:
    try:
        engine = open_engine(settings.database_url)
        upgrade_engine(engine)
    except (sqlalchemy.exc.SQLAlchemyError, SchemaError, OSError, ValueError) as error:
        # The error may quote the address, and with it a password.
        said = redacted(str(getattr(error, "orig", None) or error))
        raise SettingsError(f"SKUFLOW_DATABASE_URL: the database cannot be opened ({said})") from error
    return engine


async def _keep(keeper: Keeper, round_s: float) -> None:
    while True:
        await asyncio.to_thread(keeper.round)
        await asyncio.sleep(round_s)


def _announced(book: ArrivalBook, received: Received) -> tuple[list[Announced], int]:
    """The arrivals among the events, and how many others there are. An event may mean more than one key."""
    announced: list[Announced] = []
    ignored = received.ignored
    for created in received.created:
        keys = tuple(announced_keys(book.bucket, created.key)) if created.bucket == book.bucket.name else ()
        announced.extend(Announced(key, created.etag) for key in keys)
        ignored += not keys
    return announced, ignored


def _shown_in_headers(request: Request) -> str:
    """The token as ``Authorization: Bearer`` or as EventBridge sends that of its HTTP targets."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    bearer = given.strip() if scheme.casefold() == "bearer" else ""
    return bearer or request.headers.get("x-eventbridge-signature-token", "")


def _require_trusted(request: Request, token: str, shown: str) -> None:
    if token:
        trusted = hmac.compare_digest(shown.encode(), token.encode())
    else:
        trusted = request.client is None or _is_loopback(request.client.host)
    if not trusted:
        _log.warning("a request without the right token was refused")
        raise HTTPException(401, "show the token of SKUFLOW_EVENTS_TOKEN as Authorization: Bearer TOKEN")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _status(book: ArrivalBook, keeper: Keeper | None, outbox: Outbox | None = None) -> dict[str, Any]:
    now = book.clock()
    counts = book.counts()
    folders = book.in_state(FolderState.REFUSED, FolderState.WAITING, most=_SHOWN)
    status: dict[str, Any] = {
        "folders": {state.value: counts.by_state.get(state, 0) for state in FolderState},
        "oldest_waiting_s": _age_s(counts.oldest_waiting_at, now),
        "oldest_ready_s": _age_s(counts.oldest_ready_at, now),
        "notes": [_said_of(folder) for folder in folders],
    }
    if keeper is not None:
        kept = keeper.status
        status["rings"] = kept.rings
        status["last_ring_s"] = _age_s(kept.rung_at, now)
        status["last_sweep_s"] = _age_s(kept.swept_at, now)
        status["errors"] = [error for error in (kept.error, kept.ring_error) if error]
    if outbox is not None:
        status["notices"] = {**outbox.counts(), "last_error": outbox.last_error()}
    return status


def _said_of(folder: ArrivalFolder) -> dict[str, str]:
    return {
        "folder": folder.folder,
        "state": folder.state.value,
        "note": folder.note.en,
        "note_zh": folder.note.zh,
    }


def _age_s(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else round((now - moment).total_seconds(), 1)
