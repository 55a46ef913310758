"""A person closes what nobody else can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.commands.resolve import resolve_job
from skuflow.jobs.errors import AmbiguousSubmitError
from skuflow.jobs.outcome import OutcomeState
from skuflow.ledger.rows import JobRow, RowState
from tests.money import image_wish
from tests.unit.test_runner import Desk, Vendor


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def in_doubt(desk: Desk) -> JobRow:
    outcome = await desk.runner().run(image_wish(), Vendor(submit=[AmbiguousSubmitError("lost")]))
    row = outcome.made_job
    assert row.state is RowState.IN_DOUBT
    return row


async def test_a_job_that_was_not_accepted_gives_its_money_back_and_may_be_asked_for_again(
    desk: Desk,
) -> None:
    row = await in_doubt(desk)
    assert resolve_job(desk.ledger, row.key, not_accepted=True, charged="", job_id="") == 0
    assert desk.row().state is RowState.RELEASED
    assert desk.ledger.budget_use().held_micro == 0
    vendor = Vendor()
    assert (await desk.runner().run(image_wish(), vendor)).state is OutcomeState.MADE
    assert len(vendor.submits) == 1
    assert desk.ledger.audit() == []


async def test_a_job_that_was_charged_is_settled_and_not_bought_again(desk: Desk) -> None:
    row = await in_doubt(desk)
    assert resolve_job(desk.ledger, row.key, not_accepted=False, charged="0.08", job_id="") == 0
    assert (desk.row().state, desk.row().settled_micro) == (RowState.FAILED, 80_000)
    vendor = Vendor()
    assert (await desk.runner().run(image_wish(), vendor)).state is OutcomeState.FAILED
    assert vendor.submits == []
    assert desk.ledger.audit() == []


async def test_a_job_whose_id_was_found_is_collected(desk: Desk) -> None:
    row = await in_doubt(desk)
    assert resolve_job(desk.ledger, row.key, not_accepted=False, charged="", job_id="v77") == 0
    vendor = Vendor()
    outcome = await desk.runner().run(image_wish(), vendor)
    assert outcome.state is OutcomeState.MADE
    assert [handle.job_id for handle in vendor.polls] == ["v77"]
    assert vendor.submits == []


@pytest.mark.parametrize(
    "wish",
    [
        {"key": "skuflow-nobody", "not_accepted": True, "charged": "", "job_id": ""},
        {"key": "", "not_accepted": True, "charged": "1", "job_id": ""},
        {"key": "", "not_accepted": False, "charged": "", "job_id": ""},
        {"key": "", "not_accepted": False, "charged": "much", "job_id": ""},
        {"key": "", "not_accepted": False, "charged": "-1", "job_id": ""},
        {"key": "", "not_accepted": False, "charged": "nan", "job_id": ""},
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    desk: Desk, wish: dict[str, object]
) -> None:
    row = await in_doubt(desk)
    with pytest.raises(SystemExit) as caught:
        resolve_job(desk.ledger, str(wish["key"]) or row.key, **{k: v for k, v in wish.items() if k != "key"})  # type: ignore[arg-type]
    assert caught.value.code == 2
    assert desk.row().state is RowState.IN_DOUBT


async def test_only_a_job_in_doubt_can_be_resolved(desk: Desk) -> None:
    await desk.runner().run(image_wish(), Vendor())
    with pytest.raises(SystemExit):
        resolve_job(desk.ledger, desk.row().key, not_accepted=True, charged="", job_id="")
    assert desk.row().state is RowState.SETTLED
