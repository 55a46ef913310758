"""Processes that are kept running: on a leash, started again, known by a mark, one household for each home."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.supervisor.children import Child, ChildSpec, run_once
from flows.supervisor.home_lock import AlreadyUpError, only_one
from flows.supervisor.household import CHECKOUT, household
from flows.supervisor.ready import is_free, wait_until
from flows.supervisor.strays import MARK, START_MARK, end_strays, strays
from skuflow.settings import SettingsError, read_settings

posix = pytest.mark.skipif(os.name != "posix", reason="process groups")


def eventually(holds: Callable[[], bool], limit_s: float = 20.0) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def spec(tmp_path: Path, code: str, grace_s: float = 5.0) -> ChildSpec:
    environment = {"PATH": os.environ["PATH"], MARK: str(tmp_path)}
    return ChildSpec(
        "worker",
        (sys.executable, "-c", code),
        environment,
        tmp_path / "logs" / "worker.log",
        CHECKOUT,
        grace_s,
    )


WRITES_ITS_NUMBER = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"


def numbers(tmp_path: Path) -> list[int]:
    log = tmp_path / "logs" / "worker.log"
    return [int(line) for line in log.read_text().split()] if log.exists() else []


@posix
def test_a_child_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "worker.log"
    holder = (
        "import subprocess, sys, time\n"
        f"log = open({str(log)!r}, 'wb')\n"
        "subprocess.Popen([sys.executable, '-m', 'flows.supervisor.leash', '5', '',"
        f" sys.executable, '-c', {WRITES_ITS_NUMBER!r}], stdin=subprocess.PIPE, stdout=log)\n"
        "time.sleep(60)"
    )
    log.parent.mkdir()
    process = subprocess.Popen([sys.executable, "-c", holder], cwd=CHECKOUT)
    assert eventually(lambda: len(numbers(tmp_path)) == 1)
    (child,) = numbers(tmp_path)
    assert alive(child)
    process.kill()
    process.wait()
    assert eventually(lambda: not alive(child))


@posix
def test_a_child_that_will_not_end_is_killed_after_its_grace(tmp_path: Path) -> None:
    stubborn = "import signal, os, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WRITES_ITS_NUMBER

    async def run() -> None:
        child = Child(spec(tmp_path, stubborn, grace_s=0.3), lambda line: None)
        await child.start()
        assert await asyncio.to_thread(eventually, lambda: len(numbers(tmp_path)) == 1)
        await child.stop()

    asyncio.run(run())
    assert not alive(numbers(tmp_path)[0])


@posix
def test_a_child_that_ends_is_started_again_more_slowly_each_time(tmp_path: Path) -> None:
    said: list[str] = []
    pauses: list[float] = []

    async def no_sleep(pause_s: float) -> None:
        pauses.append(pause_s)

    async def run() -> None:
        child = Child(spec(tmp_path, "print(1, flush=True); raise SystemExit(7)"), said.append, no_sleep)
        await child.start()
        assert await asyncio.to_thread(eventually, lambda: child.restarts >= 3)
        await child.stop()

    asyncio.run(run())
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert "worker ended (status 7); starting it again in 1 s" in said[0]
    assert "worker.log" in said[0]


@pytest.mark.parametrize("terminal_is_there", [True, False])
def test_a_child_that_the_machine_refuses_to_start_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal_is_there: bool
) -> None:
    said: list[str] = []
    pauses: list[float] = []

    def say(line: str) -> None:
        if not terminal_is_there:
            raise BrokenPipeError
        said.append(line)

    class Ended:
        pid, returncode = 1, 7

        async def wait(self) -> int:
            return 7

    outcomes: list[Exception | None] = [
        None,
        OSError(28, "No space left on device"),
        BlockingIOError(11, "Busy"),
    ]

    async def start(spec: ChildSpec) -> Ended:
        if outcomes and (error := outcomes.pop(0)) is not None:
            raise error
        return Ended()

    async def run() -> None:
        enough = asyncio.Event()

        async def pause(pause_s: float) -> None:
            pauses.append(pause_s)
            if len(pauses) == 5:
                enough.set()
                await asyncio.Event().wait()

        child = Child(spec(tmp_path, ""), say, pause)
        await child.start()
        await asyncio.wait_for(enough.wait(), 10.0)
        assert child.restarts == 2
        await child.stop()

    monkeypatch.setattr("flows.supervisor.children.launch", start)
    asyncio.run(run())
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    if terminal_is_there:
        assert ["No space left on device" in line for line in said] == [False, True, False, False, False]
        assert "worker cannot be started (No space left on device); starting it again in 2 s" in said[1]


@posix
def test_what_runs_once_tells_its_status_and_is_ended_when_it_takes_too_long(tmp_path: Path) -> None:
    assert asyncio.run(run_once(spec(tmp_path, "raise SystemExit(3)"), 30.0)) == 3
    with pytest.raises(TimeoutError):
        asyncio.run(run_once(spec(tmp_path, WRITES_ITS_NUMBER), 1.5))
    assert all(not alive(number) for number in numbers(tmp_path))


@posix
def test_strays_of_this_home_are_found_and_ended_and_no_others(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "home2"
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    mine = subprocess.Popen(command, env={MARK: str(home)}, start_new_session=True)
    theirs = subprocess.Popen(command, env={MARK: str(other)})
    try:
        assert eventually(lambda: strays(home) == [mine.pid])
        assert end_strays(home, grace_s=5.0) == 1
        assert mine.wait(timeout=5) == -signal.SIGTERM
        assert theirs.poll() is None
        assert end_strays(home, grace_s=5.0) == 0
    finally:
        mine.kill()
        theirs.kill()
        theirs.wait()


@posix
def test_a_home_has_one_household(tmp_path: Path) -> None:
    with (
        only_one(tmp_path),
        pytest.raises(AlreadyUpError, match=rf"process {os.getpid()}\)"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


def test_a_port_is_free_until_somebody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free("127.0.0.1", port)
    assert is_free("127.0.0.1", port)


def test_waiting_ends_when_it_holds_and_when_the_time_is_up() -> None:
    looks = iter([False, True])
    assert asyncio.run(wait_until(lambda: next(looks), 30.0))
    assert not asyncio.run(wait_until(lambda: False, 0.0))


def test_others_reach_the_server_with_a_password_only() -> None:
    with pytest.raises(SettingsError, match="PREFECT_SERVER_API_AUTH_STRING"):
        household(read_settings({"skuflow_host": "0.0.0.0"}))
    house = household(
        read_settings({"skuflow_host": "0.0.0.0", "prefect_server_api_auth_string": "ann:secret-word"})
    )
    assert house.api_url == "http://127.0.0.1:4200/api"
    assert house.worker.environment["PREFECT_API_AUTH_STRING"] == "ann:secret-word"


def test_children_are_told_everything_that_is_set_with_absolute_paths(tmp_path: Path) -> None:
    house = household(
        read_settings(
            {
                "skuflow_home": Path("some/home"),
                "skuflow_storage": "file:some/where",
                "skuflow_catalog": "goods.csv",
                "dashscope_api_key": "sk-abcdefgh",
            }
        )
    )
    told = house.worker.environment
    assert told["SKUFLOW_HOME"] == told[MARK] == str(Path("some/home").absolute())
    assert told["SKUFLOW_STORAGE"] == f"file:{Path('some/where').absolute()}"
    assert told["SKUFLOW_CATALOG"] == str(Path("goods.csv").absolute())
    assert told["DASHSCOPE_API_KEY"] == "sk-abcdefgh"
    assert told["PREFECT_API_URL"] == house.api_url


def test_a_server_of_somebody_else_is_used_and_not_started() -> None:
    house = household(read_settings({"prefect_api_url": "http://prefect.example:4200/api/"}))
    assert house.server is None
    assert house.api_url == "http://prefect.example:4200/api"


@posix
def test_what_a_child_started_apart_goes_when_the_holder_is_gone_and_stays_when_only_the_child_is(
    tmp_path: Path,
) -> None:
    log = tmp_path / "log.txt"
    apart = (
        "import subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(other.pid, flush=True)\n"
        "time.sleep(0 if 'soon' in sys.argv else 60)"
    )

    def leash(*more: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, START_MARK: str(tmp_path)}
        command = [
            sys.executable,
            "-m",
            "flows.supervisor.leash",
            "5",
            str(tmp_path),
            sys.executable,
            "-c",
            apart,
            *more,
        ]
        with log.open("wb") as words:
            return subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=words,
                start_new_session=True,
            )

    def started() -> int:
        assert eventually(lambda: log.read_text().strip() != "")
        return int(log.read_text())

    first = leash("soon")
    stays = started()
    assert first.wait(timeout=20) == 0
    assert alive(stays)

    second = leash()
    goes = started()
    assert second.stdin is not None
    second.stdin.close()
    second.wait(timeout=20)
    assert eventually(lambda: not alive(goes) and not alive(stays))


def test_the_server_writes_what_it_is_told_of_runs_by_hundreds(monkeypatch: pytest.MonkeyPatch) -> None:
    size = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"
    flush = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL"
    monkeypatch.setenv(flush, "4")
    server = household(read_settings({})).server
    assert server is not None
    assert (server.environment[size], server.environment[flush]) == ("100", "4")
    from prefect.settings import get_current_settings, temporary_settings

    with temporary_settings():
        recorder = get_current_settings().server.services.task_run_recorder
    # What Prefect does without: this can go when its own default is more.
    assert recorder.batch_size == 1
