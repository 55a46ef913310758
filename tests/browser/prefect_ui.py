"""Prefect's UI as people use it: its form, its addresses, and the rows that are pasted into it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.flows.conftest import CLOCK, MUG, PHOTOS
from tests.flows.up_household import Household

if TYPE_CHECKING:
    from playwright.sync_api import Page

UIS = {"first": "", "second": "/v2"}
"""Below which path each of the two UIs stands."""
GOOD, BLOCKED = "mug-1", "clock-2"
_BUSY, _TRIES = 503, 5
"""What Prefect's server answers while SQLite is busy; its own clients ask again as well."""


def pasted_rows() -> str:
    """One product that can be made and one whose photo is not there; tabs, as a spreadsheet copies them."""
    file = io.StringIO()
    writer = csv.DictWriter(file, MUG.keys(), delimiter="\t")
    writer.writeheader()
    writer.writerow({**MUG, "sku": GOOD, "images": str(PHOTOS / MUG["images"])})
    writer.writerow({**CLOCK, "sku": BLOCKED, "images": "no-such-photo.jpg"})
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Shop:
    """The house after a run by hand and the report of its day."""

    house: Household
    run_id: str
    state: dict[str, Any]
    day: date

    def artifact(self, key: str) -> str:
        """The path of the newest version of an artifact's page; ``key`` may be the beginning of a key."""
        found = self.house.ask("POST", "/artifacts/latest/filter", json={}).json()
        (version,) = (one["latest_id"] for one in found if one["key"].startswith(key))
        return f"/artifacts/artifact/{version}"


class ManualForm:
    """The form of a deployment in the UI that a person gets unasked."""

    def __init__(self, page: Page, house: Household, deployment: str) -> None:
        self.page = page
        self._house = house
        self._id = house.ask("GET", f"/deployments/name/{deployment}").json()["id"]
        page.goto(f"{house.places['ui']}/v2/deployments/deployment/{self._id}/run")

    def write(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def choices(self, field: str) -> list[str]:
        """What the field offers."""
        self._open(field)
        options = self.page.get_by_role("option")
        options.last.wait_for()
        texts = options.all_inner_texts()
        self._close()
        return texts

    def choose(self, field: str, *values: str) -> None:
        self._open(field)
        for value in values:
            self.page.get_by_role("option", name=value, exact=True).click()
        self._close()

    def chosen(self, field: str) -> str:
        return self.page.get_by_role("button", name=f"Select {field}", exact=True).inner_text()

    def submit(self) -> None:
        self.page.get_by_role("button", name="Submit", exact=True).click()

    def submit_for_run(self) -> str:
        """Submit a form that is in order; the id of the run that it started."""
        for _ in range(_TRIES):
            with self.page.expect_response(
                lambda answer: answer.url.endswith("/create_flow_run")
            ) as answered:
                self.submit()
            made = answered.value
            if made.status != _BUSY:
                break
            self.page.wait_for_timeout(2_000)
        assert made.status == 201, made.text()
        run_id: str = made.json()["id"]
        return run_id

    def runs(self) -> int:
        """How many runs the deployment has had."""
        wanted = {"deployments": {"id": {"any_": [self._id]}}}
        count: int = self._house.ask("POST", "/flow_runs/count", json=wanted).json()
        return count

    def _open(self, field: str) -> None:
        self.page.get_by_role("button", name=f"Select {field}", exact=True).click()

    def _close(self) -> None:
        self.page.keyboard.press("Escape")
        self.page.get_by_role("option").last.wait_for(state="hidden")
