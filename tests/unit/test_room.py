"""Disks that are all but full, and a ledger that is not the one of storage's kits."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.commands.ledger_check import doubt_about_configured
from flows.commands.up import _Up
from flows.supervisor.household import household
from skuflow.housekeeping import room
from skuflow.housekeeping.concerns import Kind
from skuflow.housekeeping.room import LOW_BYTES
from skuflow.settings import read_settings
from tasks.janitor import _concerns
from tasks.wiring import using, wire
from tests.money import open_ledger, order, sqlite_url

CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Disks by the name of the folder they are mounted at, with so much free; what is elsewhere is on the first."""

    def mounted(**free_bytes: int) -> None:
        def name_of(folder: Path) -> str:
            return next((part for part in folder.parts if part in free_bytes), next(iter(free_bytes)))

        monkeypatch.setattr(room, "_device", lambda folder: list(free_bytes).index(name_of(folder)))
        monkeypatch.setattr(room, "_free_bytes", lambda folder: free_bytes[name_of(folder)])

    return mounted


def test_every_disk_that_is_all_but_full_is_told_once(tmp_path: Path, disks: Callable[..., None]) -> None:
    settings = read_settings(
        {"skuflow_home": tmp_path / "home", "skuflow_storage": f"file:{tmp_path / 'goods' / 'deep'}"}
    )
    for name in ("home", "goods"):
        (tmp_path / name).mkdir()
    folders = room.folders_of(settings)
    disks(home=LOW_BYTES, goods=LOW_BYTES)
    assert [one.name for one in room.rooms(folders)] == ["SKUFLOW_HOME", "SKUFLOW_STORAGE"]
    assert room.about_room(folders) == []
    disks(home=LOW_BYTES, goods=LOW_BYTES - 1)
    (concern,) = room.about_room(folders)
    assert concern.slug.startswith("disk-skuflow-storage")
    assert "SKUFLOW_STORAGE is (" in concern.en
    assert CHINESE.search(concern.zh)
    disks(both=LOW_BYTES - 1)
    assert [one.subject.split()[0] for one in room.about_room(folders)] == ["SKUFLOW_HOME"]


def test_the_janitor_looks_for_it(tmp_path: Path, disks: Callable[..., None]) -> None:
    disks(home=LOW_BYTES - 1)
    with using(wire(read_settings({"skuflow_home": tmp_path / "home", "skuflow_storage": ""}))) as wiring:
        found = _concerns(wiring, [], datetime.now(UTC))
    assert [concern.kind for concern in found.concerns] == [Kind.DISK]
    assert found.troubles == []


def test_a_storage_that_is_no_folder_has_no_disk_here(tmp_path: Path) -> None:
    oss = {"skuflow_storage": "oss://bucket/shop", "oss_region": "cn-hangzhou", "skuflow_home": tmp_path}
    keys = {"oss_access_key_id": "id", "oss_access_key_secret": "secret"}
    assert list(room.folders_of(read_settings({**oss, **keys}))) == ["SKUFLOW_HOME"]


def test_an_empty_ledger_beside_kits_is_doubted_and_left_as_it_is(tmp_path: Path) -> None:
    goods = tmp_path / "goods"
    usual = {"skuflow_home": tmp_path / "home", "skuflow_storage": f"file:{goods}"}
    assert doubt_about_configured(read_settings(usual)) == ""
    (goods / "kits" / "MUG-1").mkdir(parents=True)
    (goods / "kits" / "MUG-1" / "kit.json").write_bytes(b"{}")
    # In which there are no tables yet, and in which there are.
    for url in ("", sqlite_url(tmp_path)):
        doubt = doubt_about_configured(read_settings({**usual, "skuflow_database_url": url}))
        assert doubt.startswith("empty, while storage holds kits")
    assert not list((tmp_path / "home").glob("ledger*")), "asking made one"
    ledger = open_ledger(tmp_path)
    ledger.reserve(order(), owner="me")
    ledger.close()
    assert (
        doubt_about_configured(read_settings({**usual, "skuflow_database_url": sqlite_url(tmp_path)})) == ""
    )


@pytest.mark.parametrize("storage", ["file:{goods}", "oss://bucket/shop"])
async def test_a_start_says_that_the_ledger_is_another_one_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], storage: str
) -> None:
    (tmp_path / "goods" / "kits" / "MUG-1").mkdir(parents=True)
    (tmp_path / "goods" / "kits" / "MUG-1" / "kit.json").write_bytes(b"{}")
    settings = read_settings(
        {"skuflow_home": tmp_path / "home", "skuflow_storage": storage.format(goods=tmp_path / "goods")},
        looks_at_storage=False,
    )
    await _Up(settings, household(settings), as_json=False)._look_at_ledger()
    said = capsys.readouterr().err
    # A storage that cannot be asked is told by whoever needs it.
    assert said.startswith("! the ledger is empty") if storage.startswith("file:") else said == ""
