"""The TypeScript client and the NestJS example, with Node, against a Prefect server with a password and CSRF
protection, the deployment of the form, and the receiver.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from skuflow.listing.kit import Cost, Scores
from skuflow.notices.shapes import KitCompleted, KitData
from skuflow.notices.signature import (
    EVENT_HEADER,
    ID_HEADER,
    REPLAY_WINDOW_S,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
)
from tasks.dead_runs import RESUMED_FROM
from tests.flows.test_up import rows_of
from tests.flows.up_household import eventually, free_port
from tests.unit.test_nestjs_files import CLIENT, CUT

ROOT = Path(__file__).resolve().parents[2]
STORIES = Path(__file__).parent / "nestjs"
AUTH = "shop:prefect-pass-1"
KITS_TOKEN = "kits-token-1"
SECRET = "webhook-secret-1"
SKU = "mug-1"
NOW_S = 1_800_000_000
STARTS_WITHIN_S = 180.0

AWAY = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH")

SERVE = """
import socket, sys, time
from flows.manual import manual_listings
# What takes long is loaded beside the server; then there has to be one.
while socket.socket().connect_ex(("127.0.0.1", int(sys.argv[1]))):
    time.sleep(0.2)
manual_listings.serve(name="manual", pause_on_shutdown=False)
"""

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="process groups"),
    pytest.mark.skipif(shutil.which("node") is None or shutil.which("npm") is None, reason="no Node here"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Client, example and stories, checked and compiled by the compiler that package.json names."""
    folder = tmp_path_factory.mktemp("nestjs")
    for file in (*CLIENT.glob("*.*"), *STORIES.glob("*.ts")):
        shutil.copy(file, folder)
    quiet = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        had = subprocess.run(
            ["npm", "install", *quiet], cwd=folder, capture_output=True, text=True, timeout=90
        )
    except subprocess.TimeoutExpired:
        pytest.skip("the package registry of npm does not answer")
    if had.returncode:
        assert AWAY.search(had.stderr), had.stderr
        pytest.skip("the package registry of npm does not answer")
    compiled = subprocess.run(
        [folder / "node_modules" / ".bin" / "tsc", "-p", folder], capture_output=True, text=True, timeout=120
    )
    assert compiled.returncode == 0, compiled.stdout
    return folder / "dist"


def verdicts(built: Path, *lines: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = subprocess.run(
        ["node", built / "verdicts.js"],
        input="\n".join(json.dumps(line) for line in lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def notice(sku: str = SKU) -> bytes:
    """A body as it is sent."""
    data = KitData(
        sku=sku,
        kit_id="k1",
        status="needs_review",
        scores=Scores(overall=91.5),
        cost=Cost(settled="1.20"),
        kit_key=f"kits/{sku}/kit.json",
    )
    said = KitCompleted(id="notice-1", created_at=datetime(2026, 11, 21, tzinfo=UTC), data=data)
    return said.model_dump_json(by_alias=True).encode()


BODY = notice("杯-1")


def arrived(
    sent_s: int = NOW_S, now_s: float = NOW_S, secret: str = SECRET, body: bytes = BODY
) -> dict[str, Any]:
    """A notice as Node hands it over."""
    headers = {
        TIMESTAMP_HEADER: str(sent_s),
        SIGNATURE_HEADER: signature(SECRET, sent_s, BODY),
        EVENT_HEADER: "kit.completed",
        ID_HEADER: "notice-1",
    }
    return {
        "body": base64.b64encode(body).decode(),
        "headers": {name.lower(): value for name, value in headers.items()},
        "secret": secret,
        "nowS": now_s,
    }


def with_header(name: str, value: object) -> dict[str, Any]:
    line = arrived()
    line["headers"][name.lower()] = value
    return line


def test_a_genuine_webhook_is_read(built: Path) -> None:
    on_time = [arrived(now_s=NOW_S + delay_s) for delay_s in (0, REPLAY_WINDOW_S, -REPLAY_WINDOW_S)]
    assert verdicts(built, *on_time) == [json.loads(BODY)] * 3
    assert json.loads(BODY)["data"]["sku"] == "杯-1"


def test_any_other_webhook_is_refused(built: Path) -> None:
    genuine = signature(SECRET, NOW_S, BODY)
    refused = {
        "another byte": arrived(body=BODY + b" "),
        "another secret": arrived(secret="webhook-secret-2"),
        "no secret": arrived(secret=""),
        "too old": arrived(now_s=NOW_S + REPLAY_WINDOW_S + 1),
        "too early": arrived(now_s=NOW_S - REPLAY_WINDOW_S - 1),
        "another time": with_header(TIMESTAMP_HEADER, str(NOW_S + 1)),
        "no time": with_header(TIMESTAMP_HEADER, "soon"),
        "time twice": with_header(TIMESTAMP_HEADER, [str(NOW_S)] * 2),
        "short": with_header(SIGNATURE_HEADER, genuine[:-1]),
        "longer": with_header(SIGNATURE_HEADER, genuine + "0"),
        "upper case": with_header(SIGNATURE_HEADER, "v1=" + genuine[3:].upper()),
        "another version": with_header(SIGNATURE_HEADER, genuine.replace("v1", "v2")),
        "bare": with_header(SIGNATURE_HEADER, genuine[3:]),
        "none": with_header(SIGNATURE_HEADER, ""),
    }
    said = dict(zip(refused, verdicts(built, *refused.values()), strict=True))
    assert all(one.get("refused", "").startswith("WebhookRefusedError: ") for one in said.values()), said


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"schema": "skuflow.notice/2", "id": "1"}', b"\xff"]
)
def test_what_is_signed_but_no_notice_is_refused(built: Path, body: bytes) -> None:
    line = arrived(body=body)
    line["headers"][SIGNATURE_HEADER.lower()] = signature(SECRET, NOW_S, body)
    (said,) = verdicts(built, line)
    assert said["refused"].startswith("WebhookRefusedError: the body is no")


def test_what_is_not_signed_is_not_believed(built: Path) -> None:
    forged = [with_header(ID_HEADER, "notice-2"), with_header(EVENT_HEADER, "run.completed")]
    assert [(said["id"], said["event"]) for said in verdicts(built, *forged)] == [
        ("notice-1", "kit.completed")
    ] * 2


def test_a_server_that_fails_at_times_is_asked_again(built: Path) -> None:
    done = subprocess.run(
        ["node", built / "troubles.js"],
        env={"PATH": os.environ["PATH"], "CUT": CUT},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    expected = {"id": "r1", "name": "by hand", "outcome": "handed_on", "message": CUT, "batchId": "b-1"}
    assert saw["wavering"] == expected
    assert saw["down"] == [502, '502: "no gateway"']
    assert saw["odd"] == [200, "Prefect calls the run ASLEEP, which this client does not know"]
    assert saw["fresh"] == "working"
    assert saw["gone"] == [404, "nothing here"]
    assert saw["slow"][0] == 0
    assert "does not answer" in saw["slow"][1]
    assert "TimeoutError" in saw["stopped"] or "AbortError" in saw["stopped"]
    assert (saw["link"], saw["tokenOnLink"]) == ("mug-1", [None])
    assert saw["noKey"] == [0, "give a key: the same one for the same order"]
    paths = {path.removeprefix("/api/flow_runs/"): times for path, times in saw["asked"].items()}
    assert (paths["wavering"], paths["down"], paths["gone"]) == (3, 4, 1)


@contextmanager
def running(*command: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, all of which ends with the block."""
    with log.open("wb") as words:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=dict(environment),
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Server:
    """Prefect's API, as its own tools would use it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(auth=tuple(AUTH.split(":", 1)), timeout=30)  # type: ignore[arg-type]

    def answers(self, path: str) -> bool:
        try:
            return self.client.get(self.url + path).status_code == 200
        except httpx.HTTPError:
            return False

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        token = self.client.get(f"{self.url}/csrf-token", params={"client": "test"}).json()["token"]
        headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}
        assert self.client.post(self.url + path, json=body).status_code == 403
        reply = self.client.post(self.url + path, json=body, headers=headers)
        assert reply.status_code in (200, 201), reply.text
        made: dict[str, Any] = reply.json()
        return made


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str | int]]:
    folder = tmp_path_factory.mktemp("shop")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT", "SKUFLOW", "OSS_"))
    }
    port, kits_port, nest_port = free_port(), free_port(), free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **kept,
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_API_AUTH_STRING": AUTH,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": str(ROOT),
    }
    ours = {
        **environment,
        "PREFECT_API_URL": url,
        "PREFECT_API_AUTH_STRING": AUTH,
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "SKUFLOW_HOME": str(folder / "home"),
        "SKUFLOW_EVENTS_PORT": str(kits_port),
        "SKUFLOW_KITS_TOKEN": KITS_TOKEN,
        "SKUFLOW_TEXT_DETECTION": "off",
        "SKUFLOW_WEBHOOK_URL": f"http://127.0.0.1:{nest_port}/webhooks/skuflow",
        "SKUFLOW_WEBHOOK_SECRET": SECRET,
    }
    server = Server(url)
    with ExitStack() as stack:
        command = (
            "-m",
            "prefect",
            "server",
            "start",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--no-services",
        )
        stack.enter_context(running(*command, environment=environment, log=folder / "server.txt"))
        stack.enter_context(running("-m", "deployments.events", environment=ours, log=folder / "events.txt"))
        stack.enter_context(running("-c", SERVE, str(port), environment=ours, log=folder / "serve.txt"))
        assert eventually(lambda: server.answers("/health"), STARTS_WITHIN_S), (
            folder / "server.txt"
        ).read_text()
        deployed = eventually(
            lambda: server.answers("/deployments/name/new-listings/manual"), STARTS_WITHIN_S
        )
        assert deployed, (folder / "serve.txt").read_text()
        yield {
            "prefectUrl": url,
            "kitsUrl": f"http://127.0.0.1:{kits_port}",
            "nestPort": nest_port,
        }


def crashed_and_resumed(server: Server) -> tuple[str, str]:
    """A run whose process died, and the one that the janitor has started for it."""
    flow_id = server.post("/flows/", name="stand-in")["id"]
    crashed: str = server.post("/flow_runs/", flow_id=flow_id, state={"type": "CRASHED"})["id"]
    left = {"type": "COMPLETED", "name": "Unfinished", "message": "1 deferred"}
    tags = [f"{RESUMED_FROM}{crashed}"]
    return crashed, server.post("/flow_runs/", flow_id=flow_id, state=left, tags=tags)["id"]


def test_a_back_end_starts_runs_follows_them_and_fetches_kits(
    built: Path, places: dict[str, str | int]
) -> None:
    crashed, resumed = crashed_and_resumed(Server(str(places["prefectUrl"])))
    now_s = int(time.time())
    body = notice()
    story = {
        **places,
        "prefectAuth": AUTH,
        "kitsToken": KITS_TOKEN,
        "rows": rows_of(SKU),
        "sku": SKU,
        "crashedRun": crashed,
        "webhook": {
            "body": body.decode(),
            "headers": {
                TIMESTAMP_HEADER: str(now_s),
                SIGNATURE_HEADER: signature(SECRET, now_s, body),
                EVENT_HEADER: "kit.completed",
                ID_HEADER: "notice-1",
            },
        },
    }
    done = subprocess.run(
        ["node", built / "story.js"],
        env={"PATH": os.environ["PATH"], "STORY": json.dumps(story), "SKUFLOW_WEBHOOK_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout.splitlines()[-1])

    assert (saw["again"], saw["other"]) == (True, True)
    assert saw["finished"]["outcome"] == "complete", saw
    assert saw["finished"]["message"].startswith("1 needs_review")
    assert saw["looks"] == ["working", "complete"]
    told = [["kit.completed", SKU, "needs_review"], ["run.completed", True, True, [SKU]]]
    assert sorted(saw["notices"]) == told
    assert saw["missing"]["outcome"] == "refused"
    assert saw["missing"]["message"].startswith("no/such/file.csv: no such file or folder;")
    assert (saw["stranger"]["status"], saw["stranger"]["refused"]) == (401, True)
    assert (saw["unknownMarket"]["status"], saw["unknownMarket"]["refused"]) == (409, True)
    assert "'Spane' is not one of" in saw["unknownMarket"]["message"]
    assert saw["unknownRun"]["status"] == 404
    assert (saw["resumed"]["id"], saw["resumed"]["outcome"]) == (resumed, "unfinished")
    assert "it goes on" in saw["impatient"]["message"]

    assert saw["kit"] == {"sku": SKU, "status": "needs_review", "copy": 1}
    assert saw["file"] is True
    assert saw["noKit"] == {"status": 404, "message": "there is no kit of no such/sku", "refused": True}
    assert saw["kitStranger"]["status"] == 401

    assert saw["webhook"] == [204, 204, 401, 401]
    assert (saw["nestKit"], saw["nestNoKit"]) == (SKU, 404)
    status, ordered = saw["nestOrder"]
    assert status == 201
    assert ordered != saw["finished"]["id"]
    parameters = (
        Server(str(places["prefectUrl"])).client.get(f"{places['prefectUrl']}/flow_runs/{ordered}").json()
    )
    assert parameters["parameters"]["products"] == "anything"
    assert saw["nestRefused"][0] == 400
    assert "'Spane' is not one of" in saw["nestRefused"][1]
