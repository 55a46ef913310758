"""``skuflow doctor``: is this installation able to work, and what does it consist of? Never shows a secret."""

from __future__ import annotations

import io
import json
import platform
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import SecretStr

from flows.commands.janitor_check import last_janitor
from flows.commands.ledger_check import doubt_about
from flows.commands.storage_checks import storage_checks, writable
from flows.commands.terminal import EXIT_OK, EXIT_UNFINISHED, print_json, refuse
from flows.commands.vendor_checks import Check, limits_check, vendor_checks
from providers.registry import REGISTRY, require_known
from skuflow.housekeeping.room import folders_of, rooms
from skuflow.ledger.redaction import secrets_of, without_secrets
from skuflow.ledger.views import to_csv_row
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import StorageError
from tasks.wiring import Wiring, wire

_PACKAGES = (
    "skuflow",
    "prefect",
    "fastapi",
    "sqlalchemy",
    "av",
    "opencv-python-headless",
    "pillow",
    "numpy",
)
_BUNDLED_JOBS = 5_000


def examine(settings: Settings, bundle: Path | None, as_json: bool) -> int:
    """Look at everything, print it, and write ``bundle`` if asked; the exit status."""
    checks = list(_checks(settings))
    facts: dict[str, object] = {
        "configuration": _configuration(settings),
        "versions": _versions(),
        "checks": [asdict(c) for c in checks],
    }
    if as_json:
        print_json(facts)
    else:
        for check in checks:
            print(f"{_mark(check)}  {check.name}: {check.detail}")
        print("     " + ", ".join(f"{name} {number}" for name, number in _versions().items()))
    if bundle is not None:
        _write_bundle(settings, bundle, facts)
        if not as_json:
            print(f"diagnostic bundle: {bundle}")
    return EXIT_OK if all(check.ok for check in checks) else EXIT_UNFINISHED


def _mark(check: Check) -> str:
    if not check.ok:
        return "BAD"
    return "!  " if check.warning else "ok "


def _checks(settings: Settings) -> Iterator[Check]:
    yield _try("home", lambda: writable(settings.skuflow_home))
    yield from storage_checks(settings)
    yield from _disks(settings)
    yield from _with_ledger(settings)
    yield _try("video encoder", _encoder)
    yield _try("scene plates", _plates)
    yield _server(settings)


def _with_ledger(settings: Settings) -> Iterator[Check]:
    """What needs storage and ledger. Vendors are left out of the wiring: a key that is missing there must not hide
    what is in the ledger, and is told by itself.
    """
    try:
        wiring = _wire_without_vendors(settings)
    except Exception as error:
        yield Check("ledger", False, _said(error))
        return
    try:
        yield _doubted(_try("ledger", lambda: _ledger(settings, wiring)), wiring)
        yield last_janitor(wiring)
        try:
            yield from vendor_checks(settings, wiring)
            yield limits_check(settings, wiring.ledger)
            _require_known(settings)
        except Exception as error:
            # As in _try.
            yield Check("providers", False, _said(error))
    finally:
        wiring.close()


def _wire_without_vendors(settings: Settings) -> Wiring:
    nobody = {"skuflow_providers": "", "skuflow_routes": "", "skuflow_models": ""}
    caps = ";".join(
        f"{cap.provider}.{cap.capability}={cap.limit}/day"
        for cap in settings.caps()
        if cap.provider in REGISTRY
    )
    # Storage has a check of its own, and must not hide what is in the ledger either.
    return wire(settings.model_copy(update={**nobody, "skuflow_caps": caps}), looks_at_storage=False)


def _require_known(settings: Settings) -> None:
    """Raises SettingsError for a name that is no provider's."""
    require_known("SKUFLOW_CAPS", (cap.provider for cap in settings.caps()))
    require_known("SKUFLOW_MODELS", settings.providers_with_models())


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except Exception as error:
        # A doctor reports every trouble, also those nobody thought of.
        return Check(name, False, _said(error))


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, SettingsError) else f"{type(error).__name__}: {error}"


def _disks(settings: Settings) -> Iterator[Check]:
    """One line for each disk; what is wrong with the settings of storage is told elsewhere."""
    try:
        folders = folders_of(settings)
    except SettingsError:
        folders = {"SKUFLOW_HOME": settings.skuflow_home}
    try:
        found = rooms(folders)
    except OSError as error:
        yield Check("disk", False, _said(error))
        return
    for room in found:
        advice = "; make room, 2 GiB at least" if room.is_low else ""
        # As it was always called, where there is one disk only.
        name = "disk" if room is found[0] else f"disk of {room.name}"
        yield Check(name, not room.is_low, f"{room.free} free{advice}")


def _ledger(settings: Settings, wiring: Wiring) -> str:
    differences = wiring.ledger.audit()
    if differences:
        raise RuntimeError("; ".join(differences))
    return f"today is {wiring.ledger.today()} in {settings.skuflow_cap_timezone}; the books balance"


def _doubted(books: Check, wiring: Wiring) -> Check:
    """With a warning in its place where the ledger seems to be another one than that of storage's kits."""
    try:
        doubt = doubt_about(wiring.ledger.engine, wiring.store) if books.ok else ""
    except StorageError:
        # Told by its own check.
        doubt = ""
    return replace(books, detail=doubt, warning=True) if doubt else books


def _encoder() -> str:
    import av

    av.codec.Codec("libx264", "w")
    return "libx264"


def _plates() -> str:
    from skuflow.studio.scenes import load_scenes

    return f"{len(load_scenes())} scenes"


def _server(settings: Settings) -> Check:
    if not settings.prefect_api_url:
        return Check("prefect", True, "no PREFECT_API_URL: every run starts a temporary server")
    import httpx

    try:
        status = httpx.get(f"{settings.prefect_api_url}/health", timeout=5).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Check(
            "prefect", False, f"PREFECT_API_URL does not answer ({type(error).__name__}); start that server"
        )
    return Check("prefect", status == 200, f"PREFECT_API_URL answers with {status}")


def _configuration(settings: Settings) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name == "skuflow_database_url":
            shown[name] = str(value).partition("://")[0] or "sqlite in SKUFLOW_HOME"
        elif isinstance(value, SecretStr):
            shown[name] = "set" if value.get_secret_value() else ""
        else:
            shown[name] = _without_credentials(str(value))
    return shown


def _without_credentials(text: str) -> str:
    """Addresses without user, password, query and fragment, which may be somebody's key."""
    return re.sub(r"(\w+://)(?:[^/?#\s@]*@)?([^?#\s;,]*)(?:[?#][^\s;,]*)?", r"\1\2", text)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{sys.platform} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def _write_bundle(settings: Settings, bundle: Path, facts: dict[str, object]) -> None:
    import csv

    from skuflow.ledger.views import CSV_COLUMNS

    try:
        wiring = _wire_without_vendors(settings)
    except SettingsError:
        # The checks say why; a bundle is wanted most when something is wrong.
        rows = []
    else:
        with closing(wiring):
            first = zip(wiring.ledger.iter_jobs(), range(_BUNDLED_JOBS), strict=False)
            rows = [to_csv_row(row) for row, _ in first]
    table = io.StringIO()
    writer = csv.DictWriter(table, CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    try:
        _pack(settings, bundle, facts, table.getvalue())
    except OSError as error:
        refuse(
            f"--bundle {bundle}: cannot be written ({error.strerror}); name a file in a folder that exists"
        )


def _pack(settings: Settings, bundle: Path, facts: dict[str, object], table: str) -> None:
    members = {"doctor.json": json.dumps(facts, ensure_ascii=False, indent=2), "jobs.csv": table}
    log = settings.skuflow_home / "prefect" / "temporary-server.log"
    if log.exists():
        members["temporary-server.log"] = log.read_text(encoding="utf-8", errors="replace")
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, without_secrets(text, secrets_of(settings)))
