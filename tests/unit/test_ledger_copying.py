"""When a ledger is not copied, and what is said then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from skuflow.ledger.copying import CopyRefusedError, copy_ledger, main
from skuflow.ledger.engine import open_engine
from skuflow.ledger.ledger import DEFAULT_LEASE_S
from skuflow.ledger.owners import this_process
from tests.money import Clock, open_ledger, order, sqlite_url


@pytest.fixture
def old(tmp_path: Path) -> str:
    """A ledger with a job on which its owner works until its lease ends."""
    (tmp_path / "old").mkdir()
    ledger = open_ledger(tmp_path / "old", clock=Clock())
    ledger.reserve(order(), owner="elsewhere/boot/ns/7/1")
    ledger.close()
    return sqlite_url(tmp_path / "old")


def empty(tmp_path: Path) -> str:
    """An empty ledger; tests/contract copies into databases without any tables."""
    (tmp_path / "new").mkdir(exist_ok=True)
    return sqlite_url(tmp_path / "new")


LEASE_ENDS = Clock().now + timedelta(seconds=DEFAULT_LEASE_S)


def test_a_ledger_somebody_works_with_is_not_copied(tmp_path: Path, old: str) -> None:
    with pytest.raises(CopyRefusedError, match=r"FROM is in use \(jobs, until 2026-11-20 04:05 UTC\)"):
        copy_ledger(old, empty(tmp_path), now=LEASE_ENDS - timedelta(seconds=1))
    assert copy_ledger(old, empty(tmp_path), now=LEASE_ENDS)["jobs"] == 1


def test_work_of_a_process_that_is_gone_is_copied(tmp_path: Path, old: str) -> None:
    host, boot, namespace, *_ = this_process().split("/")
    engine = open_engine(old)
    with engine.begin() as connection:
        gone = f"{host}/{boot}/{namespace}/{2**22 + 1}/1"
        connection.execute(sa.text("UPDATE jobs SET owner = :gone"), {"gone": gone})
    engine.dispose()
    assert copy_ledger(old, empty(tmp_path), now=Clock().now)["jobs"] == 1


def test_a_database_that_holds_anything_is_left_as_it_is(tmp_path: Path, old: str) -> None:
    (tmp_path / "other").mkdir()
    other = open_ledger(tmp_path / "other")
    other.reserve(order("OTHER"), owner="me")
    with pytest.raises(CopyRefusedError, match=r"TO holds rows already \(\w+\)"):
        copy_ledger(old, sqlite_url(tmp_path / "other"), now=LEASE_ENDS)
    assert [row.sku for row in other.iter_jobs()] == ["OTHER"]
    other.close()


def test_a_ledger_is_not_copied_onto_itself(old: str) -> None:
    with pytest.raises(CopyRefusedError, match="holds rows already"):
        copy_ledger(old, old, now=LEASE_ENDS)


def test_what_fails_in_the_middle_leaves_nothing_behind(tmp_path: Path, old: str) -> None:
    new = empty(tmp_path)
    assert copy_ledger(old, new, now=LEASE_ENDS)["job_events"] > 0
    engine = open_engine(new)
    with engine.begin() as connection:
        for table in ("jobs", "job_events", "cap_usage", "budget_usage"):
            connection.execute(sa.text(f"DELETE FROM {table}"))
        connection.execute(
            sa.text("CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'disk'); END")
        )
    with pytest.raises(CopyRefusedError, match="nothing was copied: disk"):
        copy_ledger(old, new, now=LEASE_ENDS)
    with engine.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM budget_usage")).scalar_one() == 0
    engine.dispose()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("sqlite:///{folder}/none.db", "FROM is no file that is there"),
        ("sqlite:///{folder}/empty.db", "FROM is no ledger of this version"),
        ("mysql://me:hidden@host/db", "FROM: no address of a database"),
        ("none", "FROM: no address of a database"),
    ],
)
def test_what_is_no_ledger_is_told_in_one_line_without_its_password(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, said: str
) -> None:
    (tmp_path / "empty.db").write_bytes(b"")
    assert main([source.format(folder=tmp_path), empty(tmp_path)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith(f"skuflow: {said}")
    assert complaint.count("\n") == 1
    assert "hidden" not in complaint


def test_a_ledger_of_another_version_is_not_copied(tmp_path: Path, old: str) -> None:
    engine = open_engine(old)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0006'"))
    engine.dispose()
    with pytest.raises(CopyRefusedError, match="no ledger of this version"):
        copy_ledger(old, empty(tmp_path), now=LEASE_ENDS)


def test_the_command_counts_what_it_copied(
    tmp_path: Path, old: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([old, empty(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "         1  jobs" in said
    assert said[-1].startswith("Copied. Set SKUFLOW_DATABASE_URL")
