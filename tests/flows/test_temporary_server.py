"""Prefect's temporary server lives as long as the run that started it, however that run ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.temporary_server import ServerStartError, TemporaryServer
from skuflow.settings import read_settings

PARENT = """
import sys, time
from flows.temporary_server import TemporaryServer
from skuflow.settings import read_settings
server = TemporaryServer(read_settings({"skuflow_home": sys.argv[1]}))
server.start()
print(server.process_id, flush=True)
time.sleep(600)
"""


def gone(process_id: int) -> bool:
    for _ in range(300):
        if not psutil.pid_exists(process_id) or psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_a_killed_run_leaves_no_server_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        server_id = int(parent.stdout.readline())
        assert psutil.pid_exists(server_id)
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(server_id)


def test_a_server_that_cannot_start_is_told_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "prefect").mkdir()
    # A folder where Prefect's database should be keeps the server from coming up.
    (tmp_path / "prefect" / "prefect.db").mkdir()
    server = TemporaryServer(read_settings({"skuflow_home": tmp_path}))
    server.start()
    with pytest.raises(ServerStartError, match=r"temporary-server\.log"):
        server.wait()
    assert server.process_id is None or not psutil.pid_exists(server.process_id)
