"""Nothing that is written anywhere holds a key or a password: canaries are planted in every secret setting, the
commands are run with logs at their chattiest, and then every byte is searched.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from providers.emulators.core.http import running
from providers.emulators.core.media import Media
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope import make as make_dashscope
from providers.registry import REGISTRY
from skuflow.environment import child_environment
from skuflow.ledger.redaction import keep_secret, redacted, scrubbed, secrets_of, without_secrets
from skuflow.settings import Settings, read_settings
from tasks.wiring import using, wire
from tests.contract.vendor_requests import make_requests
from tests.flows.conftest import CLOCK, MUG, PHOTOS, MakeCatalog
from tests.flows.prefect_tables import PrefectTables

SECRET_FIELDS = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
PASSWORD = "canary/db+password=="
"""With characters that addresses and base64 treat in their own ways."""


def canary(field: str) -> str:
    secret = f"canary~{field.replace('_', '-')}~/+{len(field)}=="
    # Addresses that are secrets must be addresses; nobody listens at this one.
    return f"http://127.0.0.1:9/{secret}" if field.endswith("_url") else secret


CANARIES = {field: canary(field) for field in SECRET_FIELDS}


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may stand in a file: plain, as JSON, as an address quotes it, and in base64 at any offset."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    for before in ("", ":", "::"):
        # The characters that the neighbours of the secret do not touch.
        for coded in (base64.b64encode, base64.urlsafe_b64encode):
            text = coded(f"{before}{secret}".encode()).rstrip(b"=")
            yield text[4 if before else 0 : -4]


NEEDLES = {field: tuple(forms(secret)) for field, secret in {**CANARIES, "database": PASSWORD}.items()}


def found_in(data: bytes) -> set[str]:
    return {field for field, needles in NEEDLES.items() if any(needle in data for needle in needles)}


def leaks(folder: Path) -> dict[str, set[str]]:
    """The canaries within every file below a folder, and within the members of archives."""
    found: dict[str, set[str]] = {}
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        pieces = {str(path.relative_to(folder)): path.read_bytes()}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                pieces |= {f"{path.name}:{name}": archive.read(name) for name in archive.namelist()}
        found |= {name: fields for name, data in pieces.items() if (fields := found_in(data))}
    return found


class _Parrot(BaseHTTPRequestHandler):
    """A vendor that refuses every key, and says it in every dialect, with the key and all headers in its words."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        said = f"Incorrect API key provided: {self.headers.get('authorization')} ({dict(self.headers)})"
        told = {
            "code": "InvalidApiKey" if "aigc" in self.path else 1000,
            "message": said,
            "request_id": "r-1",
            "error": {"code": "invalid_api_key", "message": said, "type": "invalid_request_error"},
            "base_resp": {"status_code": 1004, "status_msg": said},
            "ResponseMetadata": {"Error": {"CodeN": 100009, "Code": "InvalidAccessKey", "Message": said}},
        }
        body = json.dumps(told).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing on the terminal."""


@contextmanager
def parrot() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Parrot) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


DRIVER = """
import logging, os, sys
logging.basicConfig(level=logging.DEBUG, filename=os.environ["DEBUG_LOG"], force=True)
for name in ("dashscope", "httpx", "httpcore", "urllib3", "asyncio", "prefect", "sqlalchemy.engine"):
    logging.getLogger(name).setLevel(logging.DEBUG)
import skuflow.catalog.intake as intake
from skuflow.settings import read_settings
take_in = intake.take_in
def sometimes(product, *rest, **more):
    if product.sku == "clock-2":
        raise RuntimeError(f"{read_settings()!r}")
    return take_in(product, *rest, **more)
intake.take_in = sometimes
from flows.cli import main
"""
ONE = f"{DRIVER}\nmain()"
# Each knows of no secret that the one before has learnt, as if it were alone.
SEVERAL = f"""{DRIVER}
import contextlib, io, json
from skuflow.ledger import redaction
ended = []
for arguments in json.loads(sys.argv[1]):
    redaction._kept.clear()
    sys.argv = ["skuflow", *arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main() or 0
        except SystemExit as end:
            status = end.code or 0
    ended.append((status, *(said.buffer.getvalue().decode() for said in (out, err))))
print(json.dumps(ended))
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str


def skuflow(home: Path, variables: Mapping[str, str], *arguments: str) -> Ended:
    """One command in a process of its own."""
    ended = _run(home, variables, ONE, *arguments)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def several(home: Path, variables: Mapping[str, str], *commands: tuple[str, ...]) -> list[Ended]:
    """Commands one after the other, in one process: they start no others, and starting is what takes their time."""
    process = _run(home, variables, SEVERAL, json.dumps(commands))
    assert process.returncode == 0, process.stderr
    ended = [Ended(*each) for each in json.loads(process.stdout)]
    assert len(ended) == len(commands)
    return [*ended, Ended(0, "", process.stderr)]


def _run(
    home: Path, variables: Mapping[str, str], code: str, *arguments: str
) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    settings = {
        "SKUFLOW_HOME": str(home),
        "PREFECT_API_URL": "",
        "PYTHONPATH": root,
        "DEBUG_LOG": str(home.parent / "debug.log"),
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
        "DASHSCOPE_LOGGING_LEVEL": "debug",
        "SKUFLOW_DATABASE_URL": "",
        "SKUFLOW_TEXT_DETECTION": "off",
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=home.parent,
        env=child_environment({**settings, **variables}),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def planted(base: str, **more: str) -> dict[str, str]:
    """Every vendor at one address, with canaries for keys."""
    addresses = {name.upper(): base for name in Settings.model_fields if name.endswith("_base_url")}
    return {**{field.upper(): secret for field, secret in CANARIES.items()}, **addresses, **more}


def test_every_kind_of_secret_is_planted() -> None:
    assert len(SECRET_FIELDS) >= 9
    assert {"dashscope_api_key", "kling_secret_key", "kling_webhook_secret", "openai_api_key"} <= set(
        SECRET_FIELDS
    )
    for field, secret in CANARIES.items():
        for coded in (secret, quote(secret, safe=""), base64.b64encode(f"user:{secret}".encode()).decode()):
            assert found_in(f"...{coded}...".encode()) == {field}, "the search must find what it looks for"


@pytest.fixture(scope="module")
def written(
    tmp_path_factory: pytest.TempPathFactory, prefect_tables: PrefectTables
) -> tuple[Path, list[str]]:
    """What commands leave behind, and what they say, where some vendors work, one refuses with many words, and one
    SKU breaks down.
    """
    root = tmp_path_factory.mktemp("secrets")
    prefect_tables.put_into(root / "home")
    catalog = _catalog(root, PHOTOS)
    dashscope = make_dashscope(
        timing=Timing(speed=400.0), media=Media(tiny=False), keys={CANARIES["dashscope_api_key"]: "1"}
    )
    said: list[str] = []
    with parrot() as refusing, running(dashscope) as working:
        own = {k: v for k, v in dashscope.environment(working).items() if k.endswith("_URL")}
        variables = planted(
            refusing,
            **own,
            SKUFLOW_PROVIDERS="copy=qwen;image=wanx,ark;video=kling,hailuo",
            OPENAI_PRICES="gpt-4o-mini=1/2",
        )
        for ended in (
            skuflow(root / "home", variables, "plan", catalog, "--language", "en"),
            skuflow(root / "home", variables, "run", catalog, "--language", "en", "--out", "kits"),
            *several(root / "home", variables, *AFTERWARDS),
        ):
            assert ended.status in (0, 3), ended.err
            said += [ended.out, ended.err]
    assert dashscope.bill.entries, "a vendor was paid with the canary"
    return root, said


AFTERWARDS = (
    ("jobs", "--csv"),
    ("jobs", "--json"),
    ("jobs",),
    ("costs",),
    ("costs", "--json"),
    ("costs", "--csv"),
    ("doctor", "--json", "--bundle", "bundle.zip"),
)


def _catalog(root: Path, photos: Path) -> str:
    import csv
    import shutil

    for row in (MUG, CLOCK):
        shutil.copy(photos / row["images"], root)
    with (root / "products.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(MUG))
        writer.writeheader()
        writer.writerows((MUG, CLOCK))
    return "products.csv"


def test_no_command_says_or_writes_a_secret(written: tuple[Path, list[str]]) -> None:
    root, said = written
    assert (root / "kits" / "costs.html").is_file()
    crash = (root / "home" / "crashes" / "clock-2.txt").read_text()
    assert "RuntimeError" in crash
    assert (root / "debug.log").stat().st_size > 1_000
    with closing(sqlite3.connect(root / "home" / "prefect" / "prefect.db")) as prefect:
        assert prefect.execute("SELECT count(*) FROM flow_run").fetchone()[0] > 0
    assert any("Incorrect API key provided" in text for text in said), "the vendor's words arrived"
    assert leaks(root) == {}
    assert {index: fields for index, text in enumerate(said) if (fields := found_in(text.encode()))} == {}


def test_a_databases_password_is_not_said(tmp_path: Path, make_catalog: MakeCatalog) -> None:
    folder = make_catalog(MUG).parent
    address = f"postgresql://me:{quote(PASSWORD, safe='')}@127.0.0.1:1/x"
    *each, process = several(
        folder / "home",
        planted("http://127.0.0.1:1", SKUFLOW_DATABASE_URL=address, SKUFLOW_PROVIDERS=""),
        ("plan", "products.csv"),
        ("jobs", "--json"),
        ("costs",),
        ("doctor", "--json", "--bundle", "b.zip"),
    )
    assert all(ended.status in (2, 3) for ended in each), each
    for ended in (*each, process):
        assert "Traceback" not in ended.err
        assert found_in((ended.out + ended.err).encode()) == set()
    assert leaks(tmp_path) == {}
    assert "doctor.json" in zipfile.ZipFile(folder / "b.zip").namelist()


@pytest.mark.parametrize("name", sorted(REGISTRY.keys() - {"offline"}))
async def test_a_vendor_that_repeats_the_key_is_not_repeated(name: str, tmp_path: Path) -> None:
    with parrot() as refusing:
        values = {field.lower(): value for field, value in planted(refusing).items()}
        settings = read_settings(
            {**values, "skuflow_home": tmp_path, "skuflow_providers": "", "openai_prices": "gpt-4o-mini=1/2"}
        )
        keep_secret(secrets_of(settings))
        with using(wire(settings)) as wiring:
            provider = wiring.provider_named(name)
            tried = 0
            for request in make_requests(wiring.store).values():
                if request.capability not in provider.capabilities:
                    continue
                try:
                    provider.estimate(request)
                except Exception:  # not what this vendor makes
                    continue
                tried += 1
                with pytest.raises(Exception) as refusal:
                    await provider.submit(request, idempotency_key=f"key-{tried}")
                assert found_in(redacted(str(refusal.value)).encode()) == set()
            assert tried
            assert found_in(repr(provider).encode()) == set()
            assert found_in(repr(wiring).encode()) == set()


def test_settings_do_not_show_secrets() -> None:
    address = f"postgresql://me:{quote(PASSWORD, safe='')}@db/x"
    settings = read_settings({**CANARIES, "skuflow_database_url": address})
    for shown in (repr(settings), str(settings), repr(settings.model_dump())):
        assert found_in(shown.encode()) - {"database"} == set()
    assert found_in(repr(settings).encode()) == set()


def test_a_process_keeps_its_secrets_in_every_form() -> None:
    address = f"postgresql://me:{quote(PASSWORD, safe='')}@db/x"
    keep_secret(secrets_of(read_settings({**CANARIES, "skuflow_database_url": address})))
    for secret in (*CANARIES.values(), PASSWORD):
        for coded in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
            assert found_in(redacted(f"a {coded} b").encode()) == set()
            assert scrubbed(f"a\n{coded}\nb").startswith("a\n(secret)")


def test_a_word_for_a_server_that_wants_no_key_does_not_black_out_texts() -> None:
    assert secrets_of(read_settings({"openai_api_key": "x"})) == ()
    keep_secret(("x",))
    assert redacted("an extra box") == "an extra box"


def test_a_secret_that_is_a_word_of_the_replacement_is_not_replaced_within_it() -> None:
    assert (
        without_secrets("of longer-secret and secret", ("secret", "longer-secret"))
        == "of (secret) and (secret)"
    )
