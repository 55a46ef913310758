"""The whole on one machine with its storage in OSS: what lands there becomes a kit, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from providers.emulators.core.http import running
from providers.emulators.oss.emulator import OssEmulator, Receiver
from providers.emulators.oss.events import Shape
from skuflow.listing.kit import Kit, KitStatus
from skuflow.settings import read_settings
from skuflow.storage.objects import ObjectMissingError, ObjectStore
from skuflow.storage.opening import open_store
from tests.flows.conftest import CLOCK, MUG, PHOTOS
from tests.flows.up_household import Household, eventually, free_port, household

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]

TOKEN = "a-token-of-the-sender"
MADE_WITHIN_S = 400.0


@pytest.fixture(scope="module")
def oss() -> Iterator[tuple[OssEmulator, dict[str, str]]]:
    emulator = OssEmulator()
    with running(emulator) as base_url:
        yield emulator, emulator.environment(base_url)


@pytest.fixture(scope="module")
def house(
    oss: tuple[OssEmulator, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Household]:
    emulator, variables = oss
    port = free_port()
    with household(
        tmp_path_factory.mktemp("up-oss"),
        **variables,
        SKUFLOW_EVENTS_PORT=str(port),
        SKUFLOW_EVENTS_TOKEN=TOKEN,
        SKUFLOW_SETTLE_S="1",
        SKUFLOW_RING_EVERY_S="2",
    ) as running_household:
        emulator.receiver = Receiver(
            url=running_household.places["events"],
            shape=Shape.EVENTBRIDGE,
            prefix="shop/incoming/",
            headers={"x-eventbridge-signature-token": TOKEN},
        )
        yield running_household


@pytest.fixture(scope="module")
def store(oss: tuple[OssEmulator, dict[str, str]]) -> ObjectStore:
    return open_store(read_settings({name.lower(): value for name, value in oss[1].items()}))


def land(store: ObjectStore, sku: str, row: Mapping[str, str]) -> None:
    """A product as a shop uploads it: photo first, then its product.json."""
    product = {
        **{name: row[name] for name in ("title_zh", "title_en", "category", "target_markets")},
        "sku": sku,
        "attributes": json.loads(row["attributes"]),
        "selling_points": json.loads(row["selling_points"]),
        "images": [row["images"]],
    }
    store.put(f"incoming/{sku}/{row['images']}", Path(PHOTOS / row["images"]).read_bytes(), "image/jpeg")
    store.put(f"incoming/{sku}/product.json", json.dumps(product).encode(), "application/json")


def kit_of(store: ObjectStore, sku: str) -> Kit | None:
    try:
        return Kit.model_validate_json(store.get(f"kits/{sku}/kit.json"))
    except ObjectMissingError:
        return None


def is_made(store: ObjectStore, sku: str) -> bool:
    kit = kit_of(store, sku)
    return kit is not None and kit.status is KitStatus.NEEDS_REVIEW


def runs_of_arrivals(house: Household, since: datetime) -> list[dict[str, Any]]:
    """Those that were to begin since then."""
    known = house.ask("GET", "/deployments/name/new-listings/arrivals").json()["id"]
    wanted = {
        "deployments": {"id": {"any_": [known]}},
        "flow_runs": {"expected_start_time": {"after_": since.isoformat()}},
    }
    found: list[dict[str, Any]] = house.ask("POST", "/flow_runs/filter", json=wanted).json()
    return found


@pytest.fixture
def no_sweep(house: Household) -> Iterator[None]:
    """Nothing looks for arrivals by the clock."""
    deployment = house.ask("GET", "/deployments/name/new-listings/arrivals").json()
    (sweep,) = deployment["schedules"]
    schedule = f"/deployments/{deployment['id']}/schedules/{sweep['id']}"
    assert house.ask("PATCH", schedule, json={"active": False}).status_code == 204
    yield
    assert house.ask("PATCH", schedule, json={"active": True}).status_code == 204


@pytest.mark.usefixtures("no_sweep")
def test_a_product_that_lands_in_oss_becomes_a_kit(house: Household, store: ObjectStore) -> None:
    since = datetime.now(UTC)
    land(store, "mug-1", MUG)
    assert eventually(lambda: is_made(store, "mug-1"), MADE_WITHIN_S), house.said.read_text()
    assert {run["created_by"]["type"] for run in runs_of_arrivals(house, since)} == {"AUTOMATION"}
    kit = kit_of(store, "mug-1")
    assert kit is not None
    assert kit.videos
    assert all(store.exists(f"kits/mug-1/{named.file}") for named in kit.files)
    artifacts = house.ask(
        "POST", "/artifacts/filter", json={"artifacts": {"key": {"like_": "kit-mug-1%"}}}
    ).json()
    assert len(artifacts) == 1
    assert "data:image/" in artifacts[0]["data"]


def test_strangers_ring_no_bell(house: Household) -> None:
    reply = httpx.post(house.places["events"], json={"events": []}, timeout=30)
    assert reply.status_code == 401


def test_nothing_is_lost_when_everything_is_killed_in_the_middle(
    house: Household, store: ObjectStore
) -> None:
    for word in ("deployments.events", "worker", "server"):
        assert eventually(lambda word=word: house.process_of(word) is not None, 60.0), word  # type: ignore[misc]
        process = house.process_of(word)
        assert process is not None
        if word == "worker":
            # One product is in work, one lands while nobody listens.
            land(store, "mug-2", {**MUG, "title_en": "Stoneware Mug with Large Handle 380 ml"})
            assert eventually(lambda: any("mug-2" in slot for slot in house.jobs_by_slot()), MADE_WITHIN_S)
        os.kill(process, signal.SIGKILL)
        if word == "deployments.events":
            land(store, "clock-2", CLOCK)
    assert eventually(lambda: all(is_made(store, sku) for sku in ("clock-2", "mug-2")), 2 * MADE_WITHIN_S), (
        house.said.read_text()
    )
    counts = house.jobs_by_slot()
    assert counts
    assert set(counts.values()) == {1}


def test_no_file_holds_a_secret(house: Household, oss: tuple[OssEmulator, dict[str, str]]) -> None:
    """What the processes have written until now, their words and Prefect's database among it."""
    secrets = [TOKEN.encode(), oss[1]["OSS_ACCESS_KEY_SECRET"].encode()]
    seen: set[str] = set()
    told: list[str] = []
    for path in (house.said, *(path for path in house.home.rglob("*") if path.is_file())):
        # Some live for a moment only.
        with suppress(FileNotFoundError):
            written = path.read_bytes()
            seen |= {path.name} if written else set()
            told += [path.name for secret in secrets if secret in written]
    assert told == []
    assert {house.said.name, "prefect.db", "ledger.sqlite3", "server.log", "worker.log"} <= seen
