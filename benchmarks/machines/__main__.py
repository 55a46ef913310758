"""``python -m benchmarks.machines --server-bin DIR``: two API replicas, background services and two workers, as in the
compose file. A burst of tasks, then events while one replica is killed; what Prefect shows afterwards is compared with
what the flows themselves wrote down.

``DIR`` holds the programs of ``deployments/docker/requirements-server.txt``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import yaml

from benchmarks.machines.stack import DOCKER, Front, Stack, wait_for

QUIET_S = 40.0
"""What stood still this long is taken for finished."""

EMIT = """
import sys, time
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
for number in range(int(sys.argv[1])):
    name = "machines.bell" if number % int(sys.argv[2]) == 0 else "machines.noted"
    emit_event(name, resource={"prefect.resource.id": f"machines.{number}"}, payload={"number": number})
    time.sleep(0.05)
EventsWorker.instance().drain()
"""


def deployment(name: str, flow: str, pool: str, event: str = "") -> dict[str, object]:
    trigger = {
        "type": "event", "posture": "Reactive", "threshold": 1, "within": 0, "expect": [event],
        "match": {"prefect.resource.id": "machines.*"},
        "parameters": {"number": {"__prefect_kind": "json", "value": {
            "__prefect_kind": "jinja", "template": "{{ event.payload.number | tojson }}"}}},
    }  # fmt: skip
    triggers = [trigger] if event else []
    return {"name": name, "entrypoint": f"toys.py:{flow}", "work_pool": {"name": pool}, "triggers": triggers}


def deploy(stack: Stack) -> None:
    """What the service ``setup`` does, with toy flows."""
    project = stack.folder / "project"
    project.mkdir()
    shutil.copy(Path(__file__).with_name("toys.py"), project)
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(project)}}
    wanted = [
        deployment("toy", "burst", "skuflow"),
        deployment("bell", "bell", "skuflow", "machines.bell"),
        deployment("noted", "bell", "noted", "machines.noted"),
    ]
    (project / "prefect.yaml").write_text(
        yaml.safe_dump({"name": "machines", "pull": [here], "deployments": wanted})
    )
    calls = [
        ["prefect", "--no-prompt", "work-pool", "create", "skuflow", "--type", "process"],
        ["prefect", "--no-prompt", "work-pool", "create", "noted", "--type", "process", "--paused"],
        ["prefect", "--no-prompt", "deploy", "--all"],
    ]
    for call in calls:
        command = [str(stack.worker_bin / call[0]), *call[1:]]
        with (stack.folder / "deploy.log").open("ab") as log:
            subprocess.run(
                command, cwd=project, env=stack.environment("setup"), check=True, stdout=log, stderr=log
            )


def start_workers(stack: Stack, how_many: int) -> None:
    for number in range(how_many):
        command = [part for part in stack.command("worker") if part != "--with-healthcheck"]
        environment = stack.environment("worker") | {"MACHINES_RECORD": str(stack.folder / "record")}
        environment["PREFECT_HOME"] = str(stack.folder / f"worker-{number}")
        stack.start(f"worker-{number}", [*command, "--name", f"worker-{number}"], environment)


def states(stack: Stack, table: str, condition: str) -> Counter[str]:
    rows = stack.query(
        f"SELECT coalesce(state_type::text, 'NONE'), count(*) FROM {table} WHERE {condition} GROUP BY 1"
    )
    return Counter(dict(rows))


def settled(
    stack: Stack, table: str, condition: str, quiet_s: float, limit_s: float
) -> tuple[Counter[str], float]:
    """States once they stood still for ``quiet_s``, and the seconds until the last change."""
    begun_s = changed_s = time.monotonic()
    last = states(stack, table, condition)
    while time.monotonic() - changed_s < quiet_s and time.monotonic() - begun_s < limit_s:
        time.sleep(2)
        now = states(stack, table, condition)
        if now != last:
            last, changed_s = now, time.monotonic()
    return last, changed_s - begun_s


def recorded(stack: Stack, kind: str) -> Counter[str]:
    record = stack.folder / "record"
    lines = record.read_text().splitlines() if record.exists() else []
    return Counter(line.split()[1] for line in lines if line.startswith(f"{kind} "))


def memory_mb(stack: Stack) -> dict[str, int]:
    return {
        name: round(sum(p.memory_info().rss for p in [parent, *parent.children(recursive=True)]) / 1e6)
        for name, process in stack.processes.items()
        if name != "postgres"
        and process.poll() is None
        and (parent := psutil.Process(process.pid)).is_running()
    }


def run_burst(stack: Stack, tasks: int) -> dict[str, object]:
    by_name = stack.api("/deployments/filter", {"deployments": {"name": {"any_": ["toy"]}}})
    begun_s = time.monotonic()
    run = stack.api(f"/deployments/{by_name[0]['id']}/create_flow_run", {"parameters": {"tasks": tasks}})
    one = f"id = '{run['id']}'"
    wait_for("burst", lambda: bool(states(stack, "flow_run", f"{one} AND end_time IS NOT NULL")), 900)
    flow_s = time.monotonic() - begun_s
    history, after_s = settled(stack, "task_run", f"flow_run_id = '{run['id']}'", QUIET_S, 1800)
    return {
        "tasks": tasks, "flow": dict(states(stack, "flow_run", one)), "flow_s": round(flow_s, 1),
        "done by the flow's own record": dict(recorded(stack, "burst")), "task runs shown": dict(history),
        "history complete after the flow_s": round(after_s, 1),
        "redis_peak": stack.redis("info", "memory").split("used_memory_peak_human:")[1].split()[0],
        "rss_mb": memory_mb(stack),
    }  # fmt: skip


def run_events(stack: Stack, events: int, every: int) -> dict[str, object]:
    command = [str(stack.worker_bin / "python"), "-c", EMIT, str(events), str(every)]
    begun_s = time.monotonic()
    stack.start("emitter", command, stack.environment("worker"))
    time.sleep(events * 0.05 / 2 + 3)
    victim = stack.server_ports[0]
    stack.kill(f"server-{victim}")
    stack.processes["emitter"].wait(timeout=300)
    emitted_s = time.monotonic() - begun_s
    noted, noted_s = settled(stack, "flow_run", "parameters ? 'number'", QUIET_S, 900)
    wanted = {str(number) for number in range(0, events, every)}
    rows = stack.query(
        "SELECT parameters->>'number', count(*) FROM flow_run WHERE parameters ? 'number' GROUP BY 1"
    )
    bells = recorded(stack, "bell")
    seen = stack.query("SELECT count(*), count(DISTINCT id) FROM events WHERE event LIKE 'machines.%'")[0]
    return {
        "events": events, "emitted_s": round(emitted_s, 1), "killed": f"server-{victim}", "events stored": list(seen),
        "events with a run": len(rows), "runs made": sum(count for _, count in rows), "all runs": dict(noted),
        "until runs stood still_s": round(noted_s, 1), "bells wanted": len(wanted), "bells rung": len(bells),
        "bells missing": sorted(wanted - bells.keys()), "bells rung twice": [n for n, c in bells.items() if c > 1],
        "rss_mb": memory_mb(stack),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server-bin", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument(
        "--bell-every", type=int, default=10, help="every how manieth event starts a run on a worker"
    )
    given = parser.parse_args()
    # Asked to end, it ends what it started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="skuflow-machines-"))
    folder.chmod(0o755)
    stack = Stack(folder, given.server_bin.absolute(), Path(sys.executable).parent)
    try:
        print(json.dumps(measure(stack, given), indent=1, default=str))
    finally:
        stack.stop()
        print(f"logs: {folder}", file=sys.stderr)
    return 0


def measure(stack: Stack, given: argparse.Namespace) -> dict[str, object]:
    found: dict[str, object] = {}
    stack.start_databases()
    migrate = [str(stack.server_bin / "python"), str(DOCKER / "prepare_prefect.py")]
    begun_s = time.monotonic()
    with (stack.folder / "migrate.log").open("wb") as log:
        subprocess.run(migrate, env=stack.environment("migrate-prefect"), check=True, stdout=log, stderr=log)
    found["migrate_s"] = round(time.monotonic() - begun_s, 1)
    threading.Thread(target=lambda: asyncio.run(Front(stack).serve()), daemon=True).start()
    ports = [stack.start_server(), stack.start_server()]
    stack.start("services", stack.command("services"), stack.environment("services"))
    found["servers_up_s"] = round(wait_for("servers", lambda: all(map(stack.healthy, ports))), 1)
    deploy(stack)
    start_workers(stack, 2)
    print(json.dumps(found), file=sys.stderr)
    if given.tasks:
        found["burst"] = run_burst(stack, given.tasks)
        print(json.dumps(found["burst"]), file=sys.stderr)
    found["events"] = run_events(stack, given.events, given.bell_every)
    return found


if __name__ == "__main__":
    sys.exit(main())
