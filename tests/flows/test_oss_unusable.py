"""A bucket, key or region that is wrong ends a command with status 2 and one sentence, before anything is made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flows.cli import main
from providers.emulators.oss.emulator import OssEmulator
from skuflow.settings import SettingsError
from tasks.wiring import wire
from tests.emulated_oss import oss_settings, oss_store
from tests.flows.conftest import MUG, MakeCatalog

WRONG = [
    ({"SKUFLOW_STORAGE": "oss://no-such-bucket"}, "there is no bucket no-such-bucket"),
    ({"OSS_ACCESS_KEY_ID": "LTAIUNKNOWN00001"}, "does not know this OSS_ACCESS_KEY_ID"),
    ({"OSS_ACCESS_KEY_SECRET": "wrong-secret-value"}, "does not belong to OSS_ACCESS_KEY_ID"),
    ({"OSS_REGION": "cn-beijing"}, "correct OSS_REGION"),
    ({"OSS_ACCESS_KEY_SECRET": ""}, "OSS_ACCESS_KEY_SECRET is not set"),
]


def told(
    emulator: OssEmulator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, str],
    *arguments: str,
) -> str:
    for name, value in {**emulator.environment(emulator.base_url), **changes}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["skuflow", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "oss-emulator-secret" not in said
    return said


@pytest.mark.parametrize(("changes", "sentence"), WRONG)
@pytest.mark.parametrize("command", ["plan", "check", "lint", "jobs"])
def test_what_is_wrong_is_said_by_every_command(
    make_catalog: MakeCatalog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    changes: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    arguments = [command, *([str(make_catalog(MUG))] if command in ("plan", "check") else [])]
    with oss_store() as (emulator, _):
        assert sentence in told(emulator, monkeypatch, capsys, changes, *arguments)
        assert emulator.bucket.keys == ()


def test_the_ledger_can_be_looked_at_without_storage(tmp_path: Path) -> None:
    with oss_store() as (emulator, _):
        settings = oss_settings(
            emulator, skuflow_storage="oss://no-such-bucket", skuflow_home=str(tmp_path / "home")
        )
        with pytest.raises(SettingsError, match="there is no bucket"):
            wire(settings)
        wire(settings, looks_at_storage=False).close()
