"""What the doctor says of storage."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from flows.commands.storage_checks import storage_checks
from flows.commands.vendor_checks import Check
from providers.emulators.core.faults import Fault
from skuflow.settings import read_settings
from tests.emulated_oss import oss_settings, oss_store


def checks(*found: Check) -> dict[str, Check]:
    return {check.name: check for check in found}


def test_a_folder_is_one_line(tmp_path: Path) -> None:
    settings = read_settings({"skuflow_storage": f"file:{tmp_path / 'here'}"})
    assert list(storage_checks(settings)) == [Check("storage", True, str(tmp_path / "here"))]
    assert list((tmp_path / "here").iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"")
    (check,) = storage_checks(read_settings({"skuflow_storage": f"file:{tmp_path / 'here'}"}))
    assert not check.ok


def test_a_full_disk_is_told_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    """An empty file can be made there; here the system lets nobody write more than a little into one."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, usual[1]))
    try:
        (check,) = storage_checks(read_settings({"skuflow_storage": f"file:{tmp_path / 'here'}"}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert not check.ok
    assert list((tmp_path / "here").iterdir()) == []


def test_a_bucket_that_works_is_left_as_it_was() -> None:
    with oss_store() as (emulator, _):
        found = checks(*storage_checks(oss_settings(emulator)))
        assert all(check.ok and not check.warning for check in found.values())
        assert "oss://skuflow-rehearsal/shop" in found["storage"].detail
        assert "can be fetched" in found["storage addresses"].detail
        assert emulator.bucket.keys == ()


@pytest.mark.parametrize("action", ["PutObject", "GetObject", "ListObjects", "DeleteObject"])
def test_each_right_that_is_missing_is_told(action: str) -> None:
    with oss_store(forbidden=[action]) as (emulator, _):
        (check,) = storage_checks(oss_settings(emulator))
    assert not check.ok
    assert "docs/storage.md" in check.detail


def test_addresses_that_are_refused_are_told() -> None:
    with oss_store() as (emulator, _):
        emulator.faults.add(Fault.AUTH, "fetch")
        found = checks(*storage_checks(oss_settings(emulator)))
    assert found["storage"].ok
    assert not found["storage addresses"].ok
    assert "HTTP 403" in found["storage addresses"].detail


def test_a_public_endpoint_out_of_reach_is_a_warning() -> None:
    with oss_store() as (gone, _):
        address = gone.base_url
    with oss_store() as (emulator, _):
        found = checks(*storage_checks(oss_settings(emulator, oss_public_endpoint=address)))
        assert emulator.bucket.keys == ()
    assert found["storage addresses"].warning
    assert "vendors must be able to reach it" in found["storage addresses"].detail
