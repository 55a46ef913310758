"""``skuflow emulate`` as people start it: a process of its own, spoken to over HTTP and ended by a signal."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from flows.cli import main
from flows.commands.emulate import NOTE
from providers.emulators.table import EMULATORS, rehearsal_providers

ROOT = Path(__file__).parents[2]
TEXT_TO_VIDEO = "/text-to-video/kling-3.0"


@contextmanager
def emulating(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process, in ``folder``; its standard error, with every import, goes to a file there."""
    command = [sys.executable, "-X", "importtime", "-m", "flows.cli", "emulate", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (
        (folder / "stderr").open("w") as errors,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def next_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def rest(process: subprocess.Popen[str]) -> str:
    return process.communicate(timeout=30)[0]


def test_it_starts_lightly_serves_and_ends_with_a_bill(tmp_path: Path) -> None:
    with emulating(tmp_path, "--json", "--only", "kling", "--speed", "100") as process:
        start = json.loads(next_line(process))
        imported = (tmp_path / "stderr").read_text()
        assert "flows.commands.emulate" in imported
        assert not [name for name in ("prefect", "pandas", "cv2", "av", "PIL") if f"| {name}\n" in imported]
        variables = start["environment"]
        assert set(start["emulators"]) == {"kling"}
        # Nothing of the folder's .env, which may lead to a real ledger, back end or vendor.
        apart = {"SKUFLOW_ENV_FILE": "none", "SKUFLOW_HOME": str(tmp_path / ".skuflow-rehearsal")}
        assert start["suggested"] == apart
        assert variables["SKUFLOW_PROVIDERS"] == "video=kling"
        reply = httpx.post(
            variables["KLING_BASE_URL"] + TEXT_TO_VIDEO,
            json={"prompt": "a mug turns", "settings": {"multi_shot": False}},
            headers={"Authorization": f"Bearer {variables['KLING_API_KEY']}"},
            trust_env=False,
        )
        assert reply.json()["code"] == 0
        process.send_signal(signal.SIGTERM)
        end = json.loads(rest(process))
        assert process.returncode == 0
    assert end["note"] == NOTE
    assert end["bills"]["kling"]["total_micro"] == 3_000_000


def test_people_get_lines_for_their_shell_and_a_table(tmp_path: Path) -> None:
    with emulating(tmp_path, "--only", "kling", "--only", "openai", "--faults", "5") as process:
        lines: list[str] = []
        while not lines or not lines[-1].startswith("export SKUFLOW_HOME"):
            lines.append(next_line(process))
            assert lines[-1], "it ended"
        assert NOTE in lines[0]
        words = [shlex.split(line) for line in lines if line.startswith("export ")]
        variables = dict(word[1].split("=", 1) for word in words)
        assert variables["SKUFLOW_PROVIDERS"] == "video=kling"
        assert variables["SKUFLOW_ENV_FILE"] == "none"
        assert variables["SKUFLOW_HOME"] == str(tmp_path / ".skuflow-rehearsal")
        assert {"KLING_API_KEY", "KLING_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"} <= set(variables)
        with httpx.Client(trust_env=False) as client:
            spoiled = sum(not is_answered(client, variables) for _ in range(60))
        assert 1 <= spoiled <= 30
        process.send_signal(signal.SIGINT)
        said = rest(process)
        assert process.returncode == 0
    assert "What this would have cost" in said
    assert [line.split() for line in said.splitlines() if "total" in line] == [
        ["│", "total", "│", "│", "0", "│", "0.0000", "│"]
    ]
    assert NOTE in said


def is_answered(client: httpx.Client, variables: dict[str, str]) -> bool:
    try:
        reply = client.get(
            f"{variables['KLING_BASE_URL']}/tasks?task_ids=1",
            headers={"Authorization": f"Bearer {variables['KLING_API_KEY']}"},
        )
        return bool(reply.json()["code"] == 0)
    except (httpx.TransportError, ValueError):
        return False


def test_all_vendors_run_side_by_side(tmp_path: Path) -> None:
    with emulating(tmp_path, "--json") as process:
        start = json.loads(next_line(process))
        assert list(start["emulators"]) == list(EMULATORS)
        assert start["environment"]["SKUFLOW_PROVIDERS"] == "copy=qwen;image=wanx,jimeng;video=kling,hailuo"
        assert len(set(start["emulators"].values())) == len(EMULATORS)
        with httpx.Client(trust_env=False) as client:
            for url in start["emulators"].values():
                assert client.get(f"{url}/_emulator/bill").json()["total_micro"] == 0
        process.send_signal(signal.SIGTERM)
        assert list(json.loads(rest(process))["bills"]) == list(EMULATORS)
        assert process.returncode == 0


def test_a_capability_that_nobody_stands_in_for_is_left_to_the_default() -> None:
    assert rehearsal_providers({"jimeng", "hailuo"}) == "image=jimeng;video=hailuo"
    assert rehearsal_providers({"dashscope"}) == "copy=qwen;image=wanx"
    assert rehearsal_providers({"ark"}) == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "sora"), "sora"),
        (("--speed", "0"), "--speed 0"),
        (("--speed", "inf"), "--speed inf"),
        (("--port", "-1"), "--port -1"),
        (("--port", "65535"), "--port 65535"),
        (("--only", "dashscope", "--port", "TAKEN"), "dashscope cannot listen"),
    ],
)
def test_what_cannot_be_used_ends_with_one_line(
    arguments: tuple[str, ...],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        # Ports go by the table: dashscope's is the second.
        base = str(taken.getsockname()[1] - 1)
        words = [base if word == "TAKEN" else word for word in arguments]
        monkeypatch.setattr(sys, "argv", ["skuflow", "emulate", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1
