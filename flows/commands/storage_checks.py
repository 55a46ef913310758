"""What the doctor finds out about storage: whether it can be used from here, and fetched from by others."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from flows.commands.vendor_checks import Check
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import ObjectStore, StorageError
from skuflow.storage.opening import open_store

_PROBE = b"skuflow doctor"
_PROBE_BYTES = 64 * 1024
"""An empty file can be made on a full disk."""
_FETCH_TIMEOUT_S = 10.0


def storage_checks(settings: Settings) -> Iterator[Check]:
    """One line for a folder; for OSS another one that says whether a signed address leads to the object.

    Whatever is written for it is deleted again.
    """
    try:
        place = settings.storage
        if isinstance(place, Path):
            yield Check("storage", True, writable(place))
            return
        store = open_store(settings)
    except (SettingsError, OSError) as error:
        yield Check("storage", False, str(error))
        return
    # Beside what belongs to anybody: nothing is listed, settled or swept there.
    key = f"doctor/{os.getpid()}-{uuid.uuid4().hex[:8]}.txt"
    try:
        used = _bucket(store, key, f"{place.address} at {place.endpoint}")
        yield used
        if used.ok:
            yield _address(store, key, place.public_endpoint)
    finally:
        with suppress(StorageError):
            store.delete(key)


def writable(folder: Path) -> str:
    """The folder's absolute path, once a file was written there. Raises OSError, also where the disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / ".doctor"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
    return str(folder.absolute())


def _bucket(store: ObjectStore, key: str, where: str) -> Check:
    try:
        store.put(key, _PROBE, "text/plain")
        if store.get(key) != _PROBE or key not in store.list("doctor/"):
            return Check("storage", False, f"{where}: what is written does not come back; check OSS_ENDPOINT")
        store.delete(key)
        store.put(key, _PROBE, "text/plain")
    except StorageError as error:
        return Check("storage", False, str(error))
    return Check("storage", True, f"{where}: written, read, listed and deleted")


def _address(store: ObjectStore, key: str, endpoint: str) -> Check:
    """A machine without a way to the public network may work all the same, so it is only warned of."""
    import httpx

    name = "storage addresses"
    try:
        url = store.url(key, 60)
    except StorageError as error:
        return Check(name, False, str(error))
    try:
        reply = httpx.get(url, timeout=_FETCH_TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = f"{endpoint} cannot be reached from here ({type(error).__name__}); vendors must be able to reach it"
        return Check(name, True, told, warning=True)
    if reply.status_code != 200 or reply.content != _PROBE:
        told = f"{endpoint} refuses a signed address (HTTP {reply.status_code}); check OSS_PUBLIC_ENDPOINT"
        return Check(name, False, told)
    return Check(name, True, f"signed addresses of {endpoint} can be fetched")
