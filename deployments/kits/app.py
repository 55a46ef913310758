"""Finished kits over HTTP: kit.json and the files that it names, to whoever shows the token. Nothing can be changed.

The receiver (deployments/events) serves these addresses where SKUFLOW_KITS_TOKEN is set.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from skuflow.settings import Settings
from skuflow.storage.folder import FolderStore
from skuflow.storage.keys import kit_key
from skuflow.storage.objects import ObjectMissingError, ObjectStore, StorageError
from skuflow.storage.opening import open_store

LINK_VALID_S = 600
MAX_SKU_CHARS = 200
"""As long as a form takes them."""

_MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "mp4": "video/mp4"}
# As skuflow.storage.keys.asset_key names them; what else stands beside a kit.json is nobody else's business.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}-[0-9a-f]{8}\.(jpg|png|webp|mp4)", re.ASCII)
# A file's name holds the digest of its bytes.
_FOR_EVER = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_ASK_AGAIN = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}

_log = logging.getLogger(__name__)


def kits_router(store: ObjectStore, token: str) -> APIRouter:
    """``GET /kits/SKU/kit.json`` and ``GET /kits/SKU/FILE``, FILE as kit.json names it. SKU is the product's own,
    percent encoded, or its folder's name. Both need ``Authorization: Bearer TOKEN``.

    Answers 401 to strangers, 404 where there is no such kit or file, 503 while storage does not answer. Files of a
    folder come from here, whole or in ranges; those of OSS by a redirect to a signed link of ``LINK_VALID_S`` seconds.
    kit.json has an ETag, so asking again costs little. Raises ValueError without a token.
    """
    if not token:
        raise ValueError("kits are served to those only who show a token")

    def shown(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise HTTPException(
                401,
                "show the token of SKUFLOW_KITS_TOKEN as Authorization: Bearer TOKEN",
                {"WWW-Authenticate": "Bearer"},
            )

    router = APIRouter(dependencies=[Depends(shown)])

    # A SKU may hold a slash, so it is everything before the last name; it never becomes a path but by kit_key.
    @router.get("/kits/{sku:path}/kit.json")
    def kit(sku: str, request: Request) -> Response:
        try:
            data = store.get(_key_of(sku))
        except StorageError as error:
            raise _answer_to(error, f"there is no kit of {sku}") from error
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        headers = {**_ASK_AGAIN, "ETag": etag}
        if etag in re.findall(r'"[^"]*"', request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type="application/json", headers=headers)

    @router.get("/kits/{sku:path}/{name}")
    def file(sku: str, name: str) -> Response:
        named = _FILE_NAME.fullmatch(name)
        missing = f"there is no such file of {sku}; its kit.json names those that there are"
        if named is None:
            raise HTTPException(404, missing)
        key = f"{_key_of(sku).rpartition('/')[0]}/{name}"
        try:
            if isinstance(store, FolderStore):
                path = store.local_path(key)
                if path is None:
                    raise HTTPException(404, missing)
                return FileResponse(path, media_type=_MEDIA_TYPES[named[1]], headers=_FOR_EVER)
            if not store.exists(key):
                raise HTTPException(404, missing)
            return RedirectResponse(
                store.url(key, LINK_VALID_S), status_code=307, headers={"Cache-Control": "no-store"}
            )
        except StorageError as error:
            raise _answer_to(error, missing) from error

    return router


def from_settings(settings: Settings) -> APIRouter | None:
    """As the settings say; None without SKUFLOW_KITS_TOKEN. Raises SettingsError for an unusable storage."""
    token = settings.skuflow_kits_token.get_secret_value()
    return kits_router(open_store(settings), token) if token else None


def _key_of(sku: str) -> str:
    if not sku.strip() or len(sku) > MAX_SKU_CHARS:
        raise HTTPException(404, f"name a SKU of 1 to {MAX_SKU_CHARS} characters")
    return kit_key(sku)


def _answer_to(error: StorageError, missing: str) -> HTTPException:
    if isinstance(error, ObjectMissingError):
        return HTTPException(404, missing)
    # The error may name places of this machine.
    _log.warning("a kit could not be read: %s", error)
    return HTTPException(503, "storage does not answer for now; ask again later", {"Retry-After": "5"})
