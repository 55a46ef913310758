"""A small web server for vendors' callbacks. It checks who calls and rings a bell; the poll loops do the rest.

Start it with ``uvicorn --factory deployments.callbacks.app:from_settings`` where SKUFLOW_CALLBACK_URL leads, behind
HTTPS, beside the runs that share its SKUFLOW_HOME. It must be up before jobs are submitted: MiniMax refuses a job whose
callback address does not answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request

from deployments.request_bodies import read_body
from providers.callbacks import (
    Callback,
    CallbackRefusedError,
    Challenge,
    UnsignedCallbackError,
    read_hailuo,
    read_kling,
    verify_signature,
)
from skuflow.jobs.doorbell import Doorbells
from skuflow.settings import SettingsError, read_settings

MAX_BODY_BYTES = 256 * 1024
"""A callback has a few kilobytes."""
BODY_TIMEOUT_S = 10.0

Ring = Callable[[Callback], None]

_log = logging.getLogger(__name__)


def create_app(
    ring: Ring,
    *,
    kling_secret: str = "",
    clock: Callable[[], float] = time.time,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> FastAPI:
    """The receiver. ``ring`` is called, in a thread, for every callback that is in order, also for repeated ones.

    ``kling_secret``: Kling's callbacks must be signed with it; empty: they need no signature. ``clock``: epoch seconds.
    Answers 401 to what the vendor did not sign, 400 to what is no callback, 413 to what is too long. Raises ValueError
    for a secret that is none.
    """
    if kling_secret:
        _check_secret(kling_secret)
    app = FastAPI(title="skuflow callbacks", openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/callbacks/kling")
    async def kling(request: Request) -> dict[str, str]:
        body = await _read(request, body_timeout_s)
        try:
            callback = read_kling(body, request.headers, secret=kling_secret, now_s=clock())
        except CallbackRefusedError as error:
            raise _refused(error, "kling") from error
        await asyncio.to_thread(ring, callback)
        return {"status": "ok"}

    @app.post("/callbacks/hailuo")
    async def hailuo(request: Request) -> dict[str, str]:
        body = await _read(request, body_timeout_s)
        try:
            said = read_hailuo(body)
        except CallbackRefusedError as error:
            raise _refused(error, "hailuo") from error
        if isinstance(said, Challenge):
            return said.answer()
        await asyncio.to_thread(ring, said)
        return {"status": "ok"}

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def ring_by_file(home: Path) -> Ring:
    """Rings the bells in ``SKUFLOW_HOME/doorbells``, which every process with the same home hears."""
    bells = Doorbells(home / "doorbells")

    def ring(callback: Callback) -> None:
        bells.ring(callback.provider, callback.job_id)

    return ring


def from_settings() -> FastAPI:
    """The receiver as the environment says, for uvicorn's ``--factory``. Raises SettingsError."""
    settings = read_settings()
    try:
        return create_app(
            ring_by_file(settings.skuflow_home),
            kling_secret=settings.kling_webhook_secret.get_secret_value(),
        )
    except ValueError as error:
        raise SettingsError(f"{error}; copy it from Kling's console") from error


async def _read(request: Request, timeout_s: float) -> bytes:
    return await read_body(request, limit_bytes=MAX_BODY_BYTES, timeout_s=timeout_s, what="callback")


def _refused(error: CallbackRefusedError, provider: str) -> HTTPException:
    _log.warning("a callback for %s was refused: %s", provider, error)
    return HTTPException(401 if isinstance(error, UnsignedCallbackError) else 400, str(error))


def _check_secret(secret: str) -> None:
    """Raises ValueError now rather than at the first callback."""
    try:
        verify_signature(b"", {}, secret=secret, now_s=0.0)
    except CallbackRefusedError:
        return
