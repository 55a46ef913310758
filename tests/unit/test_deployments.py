"""The files under deployments/docker and deployments/kubernetes agree with each other, with the settings and with the
commands that they name. What only an engine or a cluster can tell stands in docs/many-machines.md.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.supervisor.household import household
from skuflow.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "deployments" / "docker"
KUBERNETES = ROOT / "deployments" / "kubernetes"

OURS = {name.upper() for name in Settings.model_fields}
# What a container is given in another way, or has no use for.
NOT_FOR_WORKERS = {
    "SKUFLOW_ENV_FILE": "of a folder; containers are told everything",
    "SKUFLOW_HOST": "where servers listen",
    "SKUFLOW_UI_PORT": "of skuflow up",
    "SKUFLOW_EVENTS_PORT": "of the receiver",
    "SKUFLOW_EVENTS_TOKEN": "of the receiver",
    "SKUFLOW_KITS_TOKEN": "of the receiver",
    "SKUFLOW_RING_EVERY_S": "of the receiver",
    "SKUFLOW_RUNS_AT_ONCE": "of skuflow up",
    "SKUFLOW_SERVER_START_S": "of the temporary server",
    "SKUFLOW_ALLOW_LOOPBACK_LINKS": "for tests",
    "PREFECT_SERVER_API_AUTH_STRING": "of Prefect's server",
}
# Of the package prefect-redis, which only the server's image holds; its settings' names were read in 0.3.0.
REDIS_PARTS = {"PREFECT_REDIS_MESSAGING_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"}
# Of the package prefect-kubernetes (0.8.0), which only the image of that pool's worker holds.
KUBERNETES_PARTS = {
    "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET_NAME",
    "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET_KEY",
    "PREFECT_INTEGRATIONS_KUBERNETES_OBSERVER_NAMESPACES",
}
IMAGES_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DO_NOT_TRACK"}
IMAGES_OWN |= {"PREFECT_DATABASE_PASSWORD", "SKUFLOW_DATABASE_PASSWORD"}
SECRET = re.compile(
    r"PASSWORD|SECRET|_KEY|TOKEN|AUTH|DATABASE_URL|CONNECTION_URL|DOCKET_URL|REDIS.*URL|WEBHOOK"
)
ONCE = {"migrate-prefect", "setup"}


@cache
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
    return parsed


def services() -> dict[str, Any]:
    return dict(compose()["services"])


@cache
def manifests() -> tuple[dict[str, Any], ...]:
    files = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")
    return tuple(
        document for path in files for document in yaml.safe_load_all(path.read_text("utf-8")) if document
    )


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests() if manifest["kind"] in kinds]


def named(kind: str, name: str) -> dict[str, Any]:
    return next(manifest for manifest in of_kind(kind) if manifest["metadata"]["name"] == name)


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in of_kind("Deployment", "Job"):
        yield manifest["metadata"]["name"], manifest["spec"]["template"]


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods():
        for container in pod["spec"]["containers"]:
            yield name, container


def handed(container: dict[str, Any]) -> set[str]:
    """The names of all variables that a container is given."""
    names = {variable["name"] for variable in container.get("env", [])}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            names |= named("ConfigMap", source["configMapRef"]["name"])["data"].keys()
        else:
            names |= named("Secret", source["secretRef"]["name"])["stringData"].keys()
    return names


@cache
def names_of_prefect() -> frozenset[str]:
    from prefect.settings.legacy import _get_settings_fields
    from prefect.settings.models.root import Settings as PrefectSettings

    return frozenset(_get_settings_fields(PrefectSettings))


def pins(path: Path) -> dict[str, str]:
    lines = path.read_text("utf-8").splitlines()
    return dict(re.match(r"([\w.\[\]-]+)==([^ ;]+)", line).groups() for line in lines if "==" in line)  # type: ignore[union-attr, misc]


def tag() -> str:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    return version[1]


# ---- names ----


def test_every_variable_of_the_containers_is_known() -> None:
    known = OURS | names_of_prefect() | REDIS_PARTS | KUBERNETES_PARTS | IMAGES_OWN
    for name, service in services().items():
        assert set(service.get("environment", {})) <= known, name
    for name, container in containers():
        assert handed(container) <= known, name


def test_every_setting_reaches_the_workers() -> None:
    missing = OURS - services()["worker"]["environment"].keys() - NOT_FOR_WORKERS.keys()
    assert not missing, f"hand {sorted(missing)} to the worker in compose.yaml, or say why not"
    assert NOT_FOR_WORKERS.keys() <= OURS


def test_whoever_fills_in_the_example_is_asked_for_everything() -> None:
    text = (DOCKER / "compose.yaml").read_text("utf-8")
    example = (DOCKER / "env.example").read_text("utf-8")
    offered = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    required = set(re.findall(r"\$\{([A-Z_]+):\?", text))
    without_default = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)\}", text))
    assert required
    assert required | without_default <= offered
    with_default = set(re.findall(r"\$\{([A-Z_]+):-", text))
    assert offered <= required | with_default
    assert with_default <= offered | OURS | {"PREFECT_UI_URL", "PREFECT_UI_API_URL"}


def test_server_and_services_are_told_the_same_in_both_worlds() -> None:
    environment = services()["server"]["environment"]
    assert (
        environment == services()["services"]["environment"] == services()["migrate-prefect"]["environment"]
    )
    for name in ("prefect-server", "prefect-services", "prepare-prefect"):
        container = next(container for pod, container in containers() if pod == name)
        assert handed(container) == environment.keys()
    config = named("ConfigMap", "prefect-server")["data"]
    addresses = {"PREFECT_SERVER_UI_API_URL", "PREFECT_UI_URL"}
    assert {name: environment[name] for name in config.keys() - addresses} == {
        name: value for name, value in config.items() if name not in addresses
    }


def test_nothing_of_prefect_stays_in_the_memory_of_one_server() -> None:
    environment = services()["server"]["environment"]
    for name in ("EVENTS_MESSAGING_BROKER", "EVENTS_MESSAGING_CACHE", "EVENTS_CAUSAL_ORDERING"):
        assert environment[f"PREFECT_SERVER_{name}"].startswith("prefect_redis."), name
    assert environment["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] == "prefect_redis.lease_storage"
    assert environment["PREFECT_SERVER_DOCKET_URL"].startswith("redis://")
    assert environment["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"] == "false"


# ---- secrets ----


def test_no_secret_has_a_value() -> None:
    for name, service in services().items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert "${" in value, f"{name}: {variable}"
                fixed = re.sub(r"\$\{[^}]+\}", "", value)
                assert not re.search(r"://[^/]*:[^@/]+@", fixed), f"{name}: {variable}"
    for line in (DOCKER / "env.example").read_text("utf-8").splitlines():
        variable, equals, value = line.partition("=")
        assert not (equals and SECRET.search(variable) and value), variable
    for secret in of_kind("Secret"):
        assert not any(secret["stringData"].values()), secret["metadata"]["name"]
    for config in of_kind("ConfigMap"):
        assert not any(SECRET.search(variable) for variable in config["data"]), config["metadata"]["name"]


def test_secrets_go_only_where_they_are_needed() -> None:
    vendors = {"DASHSCOPE_API_KEY", "KLING_API_KEY", "ARK_API_KEY", "OPENAI_API_KEY"}
    for name, service in services().items():
        given = service.get("environment", {}).keys()
        assert (vendors <= given) == (name in ("worker", "upkeep")), name
        assert ("POSTGRES_PASSWORD" in given) == (name == "postgres")
        assert ("SKUFLOW_EVENTS_TOKEN" in given) == (name == "receiver")
        assert ("SKUFLOW_KITS_TOKEN" in given) == (name == "receiver")
    for name, container in containers():
        assert (vendors <= handed(container)) == (name in ("skuflow-worker", "skuflow-upkeep")), name
        assert ("SKUFLOW_EVENTS_TOKEN" in handed(container)) == (name == "skuflow-receiver"), name
        assert ("SKUFLOW_KITS_TOKEN" in handed(container)) == (name == "skuflow-receiver"), name


def test_whoever_tells_the_back_end_or_people_knows_where_they_are() -> None:
    template = json.loads((KUBERNETES / "options" / "base-job-template.json").read_text("utf-8"))
    (run,) = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"]
    pods_of_runs = {"envFrom": run["envFrom"]}
    told = {"SKUFLOW_WEBHOOK_URL", "SKUFLOW_WEBHOOK_SECRET"}
    for name, service in services().items():
        assert (told <= service.get("environment", {}).keys()) == (
            name in ("worker", "upkeep", "receiver")
        ), name
    for name, container in (*containers(), ("skuflow-run", pods_of_runs)):
        delivers = name in ("skuflow-worker", "skuflow-upkeep", "skuflow-receiver", "skuflow-run")
        assert bool(told & handed(container)) == (told <= handed(container)) == delivers, name
        assert ("SKUFLOW_ALERT_WEBHOOK" in handed(container)) == (name == "skuflow-setup"), name
    assert "SKUFLOW_ALERT_WEBHOOK" in services()["setup"]["environment"]


def test_the_build_leaves_secrets_and_results_outside() -> None:
    lines = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    assert lines[0] == "*"
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert kept <= {path.name for path in ROOT.iterdir()} | {"prefect.yaml"}
    assert not {".env", ".git", ".skuflow", ".venv", "tests"} & kept
    after = lines[max(lines.index(f"!{name}") for name in kept) :]
    assert any(fnmatch("deployments/docker/.env", line) for line in after)


# ---- hardening ----


def test_ports_are_open_on_loopback_only() -> None:
    published = [str(port) for service in services().values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert compose()["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert services()[name]["networks"] == ["inside"]
        assert "ports" not in services()[name]


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_is_confined_watched_and_bounded(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("on-failure:3" if name in ONCE else "unless-stopped")
    if name not in ONCE:
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    for needed, condition in service.get("depends_on", {}).items():
        finished = "service_completed_successfully" if needed in ONCE else "service_healthy"
        assert condition == {"condition": finished}, f"{name} waits for {needed}"


@pytest.mark.parametrize("name, pod", [pytest.param(name, pod, id=name) for name, pod in pods()])
def test_a_pod_is_confined_watched_and_bounded(name: str, pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False
    needs_the_cluster = "serviceAccountName" in spec
    assert spec["automountServiceAccountToken"] is needs_the_cluster
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}
        listens = {port["name"] for port in container.get("ports", [])}
        probes = [
            container[kind]
            for kind in ("startupProbe", "readinessProbe", "livenessProbe")
            if kind in container
        ]
        assert bool(probes) == bool(listens), name
        assert {probe["httpGet"]["port"] for probe in probes} <= listens


def test_workers_of_the_same_pool_can_be_scaled_to_none_for_good() -> None:
    """Where every run has a pod of its own; else they would take half of the runs, since the pool is the same."""
    worker = named("Deployment", "skuflow-worker")
    commands = [
        next(pod for name, pod in pods() if name == each) for each in ("skuflow-worker", "skuflow-pool")
    ]
    assert all("--pool=skuflow" in pod["spec"]["containers"][0]["args"] for pod in commands)
    assert "replicas" not in worker["spec"], "kubectl apply would start them again"
    assert named("HorizontalPodAutoscaler", "skuflow-worker")["spec"]["minReplicas"] > 0, (
        "it would not rest at none"
    )
    scaled = "kubectl -n skuflow scale deployment skuflow-worker --replicas=0"
    assert scaled in (ROOT / "docs" / "many-machines.md").read_text("utf-8")
    assert scaled in (KUBERNETES / "options" / "kustomization.yaml").read_text("utf-8")


# ---- images and commands ----


def test_images_are_named_with_one_tag_and_never_latest() -> None:
    ours = {f"skuflow:{tag()}", f"skuflow-server:{tag()}"}
    for name, service in services().items():
        image = service["image"]
        assert image in ours if "build" in service else re.fullmatch(r"[a-z]+:\d+[\w.]*-bookworm", image), (
            name
        )
    for path in KUBERNETES.rglob("kustomization.yaml"):
        for image in yaml.safe_load(path.read_text("utf-8")).get("images", []):
            assert image["name"] in {"skuflow", "skuflow-server", "skuflow-kubernetes"}
            assert image["newTag"] == tag()
    assert {container["image"] for _, container in containers()} <= {
        "skuflow",
        "skuflow-server",
        "skuflow-kubernetes",
    }


def stages() -> dict[str, str]:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    return dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM|\Z)", text, re.M | re.S))


def test_the_images_are_small_and_not_root() -> None:
    text = (DOCKER / "Dockerfile").read_text("utf-8")
    assert re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE) == ["python:3.11-slim-bookworm"]
    for target in ("skuflow", "server", "kubernetes"):
        body = stages()[target]
        assert "USER 10001:10001" in body
        assert "HEALTHCHECK" in body
        assert "RUN" not in body, "the last layer only takes what others built"
    assert {
        service["build"]["target"] for service in services().values() if "build" in service
    } <= stages().keys()
    uv = re.search(r"uv==([\d.]+)", text)
    assert uv
    assert f"UV_VERSION := {uv[1]}\n" in (ROOT / "Makefile").read_text("utf-8")


def test_what_the_build_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sources = re.findall(r"^COPY (?!--from)(\S+) ", (DOCKER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert source == "." or f"!{source.split('/')[0]}" in ignored


@pytest.mark.parametrize("name", ["requirements-server.txt", "requirements-kubernetes.txt"])
def test_all_images_hold_the_same_versions(name: str) -> None:
    here, there = pins(DOCKER / name), pins(ROOT / "requirements.txt")
    assert here["prefect"] == there["prefect"]
    assert {
        package: version for package, version in here.items() if there.get(package, version) != version
    } == {}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    for name, service in services().items():
        if "build" in service:
            yield f"compose {name}", [str(part) for part in service["command"]]
    for name, container in containers():
        yield f"kubernetes {name}", container["args"]
    for name, body in stages().items():
        if (command := re.search(r"^CMD (\[.+\])", body, re.MULTILINE)) is not None:
            yield f"image {name}", yaml.safe_load(command[1])


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in command_lines()])
def test_commands_exist(words: list[str]) -> None:
    line = " ".join(words)
    for module in re.findall(r"python -m ([\w.]+)", line):
        assert importlib.util.find_spec(f"{module}.__main__") is not None
    if script := re.search(r"python /opt/(\S+)", line):
        assert (DOCKER / script[1]).is_file()
    called = re.search(r"prefect (?:--no-prompt )?(worker|server|deploy)\b(.*)", line)
    assert called or "python" in line
    if called:
        module = "deploy._commands" if called[1] == "deploy" else called[1]
        source = inspect.getsource(importlib.import_module(f"prefect.cli.{module}"))
        options = re.findall(r"--[a-z-]+", called[2])
        for option in options:
            positive = option.replace("--no-create", "--create")
            assert f'"{positive}"' in source, f"prefect {called[1]} has no {option}"
        if called[1] == "worker":
            from deployments.setup.pool import POOL

            assert POOL in re.split(r"[ =]", called[2])


def test_workers_and_server_of_both_worlds_run_the_same_command() -> None:
    same = {
        "server": "prefect-server",
        "services": "prefect-services",
        "migrate-prefect": "prepare-prefect",
        "setup": "skuflow-setup",
        "receiver": "skuflow-receiver",
    }
    for service, deployment in same.items():
        container = next(container for name, container in containers() if name == deployment)
        assert container["args"] == services()[service]["command"]


def test_every_deploy_stands_between_two_set_ups() -> None:
    """The first writes down what people have set on the deployments, the second puts it back."""
    settings = Settings.model_construct(skuflow_home=Path("home"), skuflow_runs_at_once=2)
    steps = [" ".join(step.command[2:]) for step in household(settings).set_up]
    whole = [services()["setup"]["command"][2], " && ".join(f"python -m {step}" for step in steps)]
    whole += [container["args"][2] for name, container in containers() if name == "skuflow-setup"]
    assert len(whole) == 3
    for line in whole:
        before, deploy, after = line.split(" && ")
        assert before.startswith("python -m deployments.setup --before-deploy")
        assert deploy.endswith("prefect --no-prompt deploy --all")
        assert after.endswith("python -m deployments.setup")


def test_scripts_of_the_database_are_in_order() -> None:
    script = DOCKER / "postgres" / "10-databases.sh"
    subprocess.run(["sh", "-n", str(script)], check=True)
    text = script.read_text("utf-8")
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm" in text
    given = services()["postgres"]["environment"].keys()
    assert set(re.findall(r'"\$([A-Z_]+)"', text)) <= given


# ---- the cluster's references ----


def test_references_lead_somewhere() -> None:
    present = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests()}
    for name, container in containers():
        for source in container["envFrom"]:
            kind, reference = next(iter(source.items()))
            assert (kind[:1].upper() + kind[1:-3], reference["name"]) in present, name
    for scaler in of_kind("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in present
        assert "replicas" not in named("Deployment", target["name"])["spec"]


def test_selectors_find_the_pods_that_are_meant() -> None:
    label = "app.kubernetes.io/component"
    components = {pod["metadata"]["labels"][label] for _, pod in pods()}
    for deployment in of_kind("Deployment"):
        spec = deployment["spec"]
        assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    for service in of_kind("Service"):
        assert service["spec"]["selector"][label] in components
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"][label] in components
    policies = yaml.safe_dump([policy["spec"] for policy in of_kind("NetworkPolicy")])
    selected = set(re.findall(rf"{label}: (\S+)", policies)) | set(
        re.findall(r"- ((?:skuflow|prefect)-\S+)", policies)
    )
    assert selected <= components | {"skuflow-run"}
    everything = next(
        policy for policy in of_kind("NetworkPolicy") if policy["metadata"]["name"] == "nothing-else"
    )
    assert everything["spec"]["podSelector"] == {}
    assert "ingress" not in everything["spec"]


def test_a_pod_of_the_kubernetes_pool_is_a_worker_for_one_run() -> None:
    template = json.loads((KUBERNETES / "options" / "base-job-template.json").read_text("utf-8"))
    job = template["job_configuration"]["job_manifest"]
    pod, worker = job["spec"]["template"], named("Deployment", "skuflow-worker")["spec"]["template"]
    assert pod["metadata"]["labels"] == {"app.kubernetes.io/component": "skuflow-run"}
    container, usual = pod["spec"]["containers"][0], worker["spec"]["containers"][0]
    assert pod["spec"]["securityContext"] == worker["spec"]["securityContext"]
    for part in ("envFrom", "securityContext", "volumeMounts"):
        assert container[part] == usual[part], part
    assert pod["spec"]["volumes"] == worker["spec"]["volumes"]
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(template["job_configuration"])))
    assert used == template["variables"]["properties"].keys()
    assert template["variables"]["properties"]["image"]["default"].endswith(f":{tag()}")
    # Paid work is never repeated by the cluster; what died is resumed by the janitor.
    assert job["spec"]["backoffLimit"] == 0


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
@pytest.mark.parametrize("folder", ["base", "overlays/example", "options"])
def test_kustomize_builds(folder: str) -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(KUBERNETES / folder)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    documents = list(yaml.safe_load_all(built.stdout))
    assert {
        document["metadata"]["namespace"] for document in documents if document["kind"] != "Namespace"
    } == {"skuflow"}
    images = re.findall(r"image: (\S+)", built.stdout)
    assert images
    assert all(image.endswith(f":{tag()}") for image in images)
