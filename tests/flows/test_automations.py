"""Prefect's automations on a server of its own: dead runs are found, living and ended ones let be, people are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.events import Event
from prefect.events.clients import get_events_client

from deployments.setup.automations import HEARTBEAT, make_automations
from flows.supervisor.strays import marked
from skuflow.housekeeping.concerns import Concern, Kind
from tasks.janitor import tell
from tests.flows.conftest import MakeWiring
from tests.flows.own_prefect import OwnPrefect, own_prefect
from tests.flows.up_household import eventually

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]

DEAD_AFTER_S = 18
SOON_S = 120.0
"""Longer than anything takes, also on a machine with other work."""

USUAL = """
from prefect import flow

@flow(name="janitor")
def usual():
    pass
"""
RUNS = """
import sys, time
from pathlib import Path
from prefect import flow, flow_engine
from prefect.states import Completed

# Prefect allows no less than 30 s. What is shortened is the pause between heartbeats and nothing else.
flow_engine.MINIMUM_HEARTBEAT_INTERVAL = 3
flow_engine.BaseFlowRunEngine.heartbeat_seconds = property(lambda self: 3)

@flow(name="daily-report")
def failing():
    raise ValueError("no <price> & no {{body}} for mug-1")

@flow(name="listing-chunk", flow_run_name="{called}")
def sleeping(seconds: float, called: str, ends_as: str = "Completed"):
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and not Path(called + " may end").exists():
        time.sleep(0.2)
    return Completed(name=ends_as)

if __name__ == "__main__":
    sleeping(600, sys.argv[1])
"""


class Chat(ThreadingHTTPServer):
    """Where alerts go, on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.got: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/robot?token=of-the-chat"

    def told(self, words: str) -> list[dict[str, str]]:
        return [notice for notice in self.got if words in notice["text"] or words in notice["title"]]


class _Take(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        assert self.path == "/robot?token=of-the-chat"
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@dataclass
class Scene:
    """Runs that were started together; ``by_hand`` has no deployment and no worker."""

    prefect: OwnPrefect
    chat: Chat
    folder: Path
    runs: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def state(self, name: str) -> str:
        kind: str = self.prefect.state_of(self.runs[name])["type"]
        return kind

    def heartbeats(self, name: str) -> list[datetime]:
        found = self.prefect.events(HEARTBEAT, f"prefect.flow-run.{self.runs[name]}")
        return sorted(datetime.fromisoformat(event["occurred"]) for event in found)

    def was_refused(self, name: str) -> bool:
        """Whether an automation wanted to change the state of this run and the server did not let it."""
        failed = self.prefect.events("prefect.automation.action.failed")
        mine = [event for event in failed if self.runs[name] in json.dumps(event["related"])]
        return any("already in terminal state" in event["payload"]["reason"] for event in mine)

    def start_by_hand(self, name: str) -> None:
        self.by_hand[name] = subprocess.Popen(
            [sys.executable, "runs.py", name],
            cwd=self.folder,
            env=self.prefect.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def known() -> bool:
            found = self.prefect.ask(
                "POST", "/flow_runs/filter", json={"flow_runs": {"name": {"any_": [name]}}}
            )
            self.runs.update((name, run["id"]) for run in found)
            return bool(found)

        assert eventually(known, SOON_S)

    def kill_run(self, name: str) -> None:
        """SIGKILL to the run's process and to what watches over it."""
        if name in self.by_hand:
            processes = [self.by_hand[name].pid]
        else:
            processes = marked("PREFECT__FLOW_RUN_ID", self.runs[name])
        assert processes
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if name in self.by_hand:
            self.by_hand[name].wait()


async def deploy(folder: Path, entrypoint: str, flow_name: str) -> str:
    async with get_client() as client:
        flow_id = await client.create_flow_from_name(flow_name)
        made = await client.create_deployment(
            flow_id,
            entrypoint.partition(":")[2],
            work_pool_name="skuflow",
            entrypoint=entrypoint,
            path=str(folder),
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}],
        )
    return str(made)


async def short_lived(chat: Chat) -> None:
    """The automations of set-up, but dead is who is silent for seconds."""
    async with get_client() as client:
        await make_automations(client, chat.url, dead_after_s=DEAD_AFTER_S)


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    server = Chat()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, chat: Chat) -> Iterator[Scene]:
    import asyncio

    folder = tmp_path_factory.mktemp("automations")
    (folder / "runs.py").write_text(RUNS, encoding="utf-8")
    (folder / "usual.py").write_text(USUAL, encoding="utf-8")
    with own_prefect(folder) as prefect:
        done = prefect.set_up("--runs-at-once", "8")
        assert done.returncode == 0, done.stderr
        asyncio.run(short_lived(chat))
        prefect.start_worker()
        scene = Scene(prefect, chat, folder)
        flows = {
            "runs.py:sleeping": "listing-chunk",
            "runs.py:failing": "daily-report",
            "usual.py:usual": "janitor",
        }
        deployed = {
            entrypoint: asyncio.run(deploy(folder, entrypoint, flow)) for entrypoint, flow in flows.items()
        }
        wanted: dict[str, tuple[str, dict[str, object]]] = {
            "victim": ("runs.py:sleeping", {"seconds": 600, "called": "victim"}),
            "healthy": ("runs.py:sleeping", {"seconds": 2.5 * DEAD_AFTER_S, "called": "healthy"}),
            "unfinished": (
                "runs.py:sleeping",
                {"seconds": 4, "called": "unfinished", "ends_as": "Unfinished"},
            ),
            "failing": ("runs.py:failing", {}),
            "usual": ("usual.py:usual", {}),
        }
        for name, (entrypoint, parameters) in wanted.items():
            body = {"parameters": parameters, "idempotency_key": name}
            made = prefect.ask("POST", f"/deployments/{deployed[entrypoint]}/create_flow_run", json=body)
            scene.runs[name] = made["id"]
        try:
            for name in ("by hand", "asleep", "power cut"):
                scene.start_by_hand(name)
            yield scene
        finally:
            for process in scene.by_hand.values():
                process.kill()
                process.wait()


def test_a_failed_run_is_told_with_what_to_do(scene: Scene) -> None:
    assert eventually(lambda: bool(scene.chat.told("mug-1")), SOON_S)
    (notice,) = scene.chat.told("mug-1")
    assert notice["title"] == "skuflow: daily-report failed 运行失败"
    what, do, do_zh, where = [line for line in notice["text"].splitlines() if line]
    assert "no <price> & no {{body}} for mug-1" in what
    assert what.endswith("运行出现意外错误。")
    assert do == (
        "What to do: mend what the message names, then start the run again. What is made and paid for is kept."
    )
    assert do_zh.startswith("处理办法：")
    assert where == f"{scene.prefect.house.ui_url}/runs/flow-run/{scene.runs['failing']}"


async def test_what_a_person_must_see_is_told_in_both_languages(
    scene: Scene, make_wiring: MakeWiring
) -> None:
    make_wiring()
    concerns = [
        Concern(
            Kind.PROVIDER, name, f"{name} says that the balance is used up; top it up.", "余额不足，请充值。"
        )
        for name in ("acme", "zenith")
    ]
    assert await tell.fn(concerns) == concerns
    assert eventually(lambda: len(scene.chat.told("top it up")) == 2, SOON_S)
    notice = min(scene.chat.told("top it up"), key=lambda told: told["text"])
    assert notice == {
        "title": "skuflow: a person is needed (provider, acme) 需要人工处理",
        "text": "acme says that the balance is used up; top it up. 余额不足，请充值。",
    }


async def test_runs_give_signs_of_life_without_any_setting(scene: Scene) -> None:
    """By Prefect's defaults, on the worker of ``skuflow up``."""
    assert eventually(lambda: scene.state("usual") == "COMPLETED", SOON_S)
    assert eventually(lambda: bool(scene.heartbeats("usual")), SOON_S)
    assert not [name for name in scene.prefect.environment if "HEARTBEAT" in name]
    # One more that arrives too late, as the last one of a run may: the watch begins anew.
    (event, *_) = scene.prefect.events(HEARTBEAT, f"prefect.flow-run.{scene.runs['usual']}")
    async with get_events_client(checkpoint_every=1) as client:
        await client.emit(Event(event=HEARTBEAT, resource=event["resource"], related=event["related"]))


def test_a_run_whose_process_and_worker_are_gone_is_called_crashed(scene: Scene) -> None:
    for name in ("victim", "by hand", "asleep", "healthy"):
        assert eventually(lambda name=name: len(scene.heartbeats(name)) > 1, SOON_S), name  # type: ignore[misc]
    # What the worker is only just starting would die with it.
    assert eventually(lambda: scene.state("unfinished") == "COMPLETED", SOON_S)
    scene.prefect.kill("worker")
    scene.kill_run("victim")
    scene.kill_run("by hand")
    scene.by_hand["asleep"].send_signal(signal.SIGSTOP)
    killed_s = time.monotonic()
    assert (scene.state("victim"), scene.state("by hand")) == ("RUNNING", "RUNNING")
    for name in ("victim", "by hand"):
        assert eventually(lambda name=name: scene.state(name) == "CRASHED", SOON_S), name  # type: ignore[misc]
        message = scene.prefect.state_of(scene.runs[name])["message"]
        assert message.startswith("No sign of life from its process any more.")
    print(f"crashed {time.monotonic() - killed_s:.1f} s after the kill")

    assert eventually(lambda: bool(scene.chat.told("victim: ") and scene.chat.told("by hand: ")), SOON_S), (
        scene.chat.got
    )
    (victim,) = scene.chat.told("victim: ")
    (by_hand,) = scene.chat.told("by hand: ")
    assert victim["title"] == by_hand["title"] == "skuflow: listing-chunk was interrupted 运行中断"
    assert "What to do: nothing, if it was stopped on purpose or happens once" in victim["text"]
    assert "What to do: give the same command again" in by_hand["text"]


def test_a_healthy_run_is_let_be(scene: Scene) -> None:
    """Its worker is gone too, but it lives."""
    assert eventually(lambda: scene.state("healthy") == "COMPLETED", SOON_S)
    first, *_, last = scene.heartbeats("healthy")
    assert (last - first).total_seconds() > 1.5 * DEAD_AFTER_S
    run = f"prefect.flow-run.{scene.runs['healthy']}"
    # Events are kept some seconds after they count.
    assert eventually(lambda: bool(scene.prefect.events("prefect.flow-run.Completed", run)), SOON_S)
    assert not scene.prefect.events("prefect.flow-run.Crashed", run)


def test_the_end_of_a_run_that_only_slept_takes_the_place_of_the_crash(scene: Scene) -> None:
    """As on a laptop that was suspended: a server cannot tell sleep from death."""
    assert eventually(lambda: scene.state("asleep") == "CRASHED", SOON_S)
    (scene.folder / "asleep may end").touch()
    scene.by_hand["asleep"].send_signal(signal.SIGCONT)
    assert eventually(lambda: scene.state("asleep") == "COMPLETED", SOON_S)
    assert scene.by_hand["asleep"].wait(timeout=SOON_S) == 0


def test_a_run_that_ended_is_not_marked_later(scene: Scene) -> None:
    """Also where the server hears the last heartbeat after the end, and so tries."""
    ends = {"usual": "Completed", "unfinished": "Unfinished", "failing": "Failed"}
    for name in ("usual", "failing"):
        assert eventually(lambda name=name: scene.was_refused(name), SOON_S), name  # type: ignore[misc]
    assert {name: scene.prefect.state_of(scene.runs[name])["name"] for name in ends} == ends
    assert len(scene.heartbeats("unfinished")) > 1


async def test_a_run_that_died_with_its_server_is_found_after_the_next_start(scene: Scene) -> None:
    """As after a power cut: the server comes back later, and set-up is done again first."""
    assert eventually(lambda: len(scene.heartbeats("power cut")) > 1, SOON_S)
    assert scene.state("power cut") == "RUNNING"
    scene.prefect.kill("server")
    scene.kill_run("power cut")
    scene.prefect.start_server()
    await short_lived(scene.chat)
    assert eventually(lambda: scene.state("power cut") == "CRASHED", SOON_S)
