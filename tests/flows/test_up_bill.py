"""``skuflow up`` with a vendor that keeps a bill: what was bought is bought once, also when all of it is killed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress

import pytest

from providers.emulators.core.emulator import Emulator
from providers.emulators.core.http import running
from providers.emulators.core.timing import Timing
from providers.emulators.dashscope import make
from skuflow.listing.kit import Kit, PartState
from tests.flows.emulated import QuickMedia
from tests.flows.test_up import rows_of
from tests.flows.test_up_again import MADE_WITHIN_S, cleaned_up
from tests.flows.up_household import Household, eventually, household

pytestmark = [
    pytest.mark.whole,
    pytest.mark.skipif(os.name != "posix", reason="signals and /proc"),
]


@pytest.fixture(scope="module")
def vendor() -> Iterator[Emulator]:
    """It lives in this process and so outlives what is killed; slow enough to be caught at work."""
    emulator = make(Timing(speed=2.0), media=QuickMedia())
    with running(emulator):
        yield emulator


@pytest.fixture(scope="module")
def house(vendor: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    with household(
        tmp_path_factory.mktemp("up-bill"),
        **vendor.environment(vendor.base_url),
        SKUFLOW_PROVIDERS="copy=offline;image=wanx",
        SKUFLOW_BUDGET="500 CNY/day",
    ) as running_household:
        yield running_household


def paid_jobs(house: Household) -> list[sqlite3.Row]:
    """The ledger's own rows; none before its first process has made it."""
    with (
        suppress(sqlite3.OperationalError),
        sqlite3.connect(f"file:{house.home / 'ledger.sqlite3'}?mode=ro", uri=True) as ledger,
    ):
        ledger.row_factory = sqlite3.Row
        return ledger.execute("SELECT * FROM jobs WHERE paid").fetchall()
    return []


def at_the_vendor(house: Household) -> set[str]:
    """The vendor's names of what it is at work on, at a moment at which nothing is just being handed to it: of what is,
    nobody could say afterwards whether it was taken.
    """
    rows = paid_jobs(house)
    if any(row["state"] in ("reserved", "submitting") for row in rows):
        return set()
    return {row["vendor_job_id"] for row in rows if row["state"] == "submitted"}


def is_over(house: Household) -> bool:
    """Whether all is made but what is in doubt, should the moment have passed."""
    path = house.home / "storage" / "kits" / "mug-1" / "kit.json"
    states = [row["state"] for row in paid_jobs(house)]
    if not path.exists() or not set(states) <= {"settled", "in_doubt"}:
        return False
    parts = Kit.model_validate_json(path.read_bytes()).parts
    return sum(part.state is PartState.WAITING for part in parts) == states.count("in_doubt")


def test_what_a_vendor_was_at_work_on_when_all_was_killed_is_collected_and_paid_once(
    house: Household, vendor: Emulator
) -> None:
    started = house.start("new-listings/manual", {"rows": rows_of("mug-1"), "kits": {"stages": ["images"]}})
    assert started.status_code == 201, started.text
    in_work: set[str] = set()

    def at_work() -> bool:
        in_work.update(at_the_vendor(house))
        return bool(in_work)

    assert eventually(at_work, MADE_WITHIN_S), house.said.read_text()
    house.killed_and_started_again()
    assert eventually(lambda: cleaned_up(house) and is_over(house), MADE_WITHIN_S), house.said.read_text()
    assert in_work <= set(vendor.bill.by_job())
    assert vendor.bill.doubles() == []
    rows = paid_jobs(house)
    settled, held = (sum(row[what] for row in rows) for what in ("settled_micro", "held_micro"))
    assert settled <= vendor.bill.total_micro() <= settled + held
    assert bool(held) == any(row["state"] == "in_doubt" for row in rows)
    assert set(house.jobs_by_slot().values()) == {1}
