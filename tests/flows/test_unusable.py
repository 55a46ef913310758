"""What cannot be used ends a command with status 2 and one line that says what to do, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flows.cli import main
from tests.flows.conftest import MUG, MakeCatalog


@pytest.fixture
def folder(tmp_path: Path, make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good catalog and a file of noise; the current directory."""
    folder = make_catalog(MUG).parent
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 8)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    for variable in (
        "SKUFLOW_PROVIDERS",
        "SKUFLOW_CAPS",
        "SKUFLOW_BUDGET",
        "SKUFLOW_MODELS",
        "PREFECT_API_URL",
    ):
        monkeypatch.delenv(variable, raising=False)
    return folder


def end_of(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["skuflow", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nowhere.csv"), "nowhere.csv"),
        (("run", "https://example.com/p/1"), "product links"),
        (("plan", "noise.csv"), "noise.csv"),
        (("check", "noise.csv"), "noise.csv"),
        (("run", "products.csv", "--stages", "music"), "music"),
        (("run", "products.csv", "--market", "XX"), "XX"),
        (("run", "products.csv", "--marketplace", "bazaar"), "bazaar"),
        (("run", "products.csv", "--style", "baroque"), "baroque"),
        (("run", "products.csv", "--language", "klingon!"), "klingon!"),
        (("plan", "products.csv", "--language", "tlh"), "tlh"),
        (("plan", "products.csv", "--sku", "nobody"), "nobody"),
        (("plan", "products.csv", "--remake", "mug-1:song"), "song"),
        (("run", "products.csv", "--video-size", "640x480"), "640x480"),
        (("run", "products.csv", "--captions", "it"), "it"),
        (("jobs", "--state", "lost"), "lost"),
        (("jobs", "--day", "yesterday"), "yesterday"),
    ],
)
def test_input_and_options(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(arguments, monkeypatch) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("skuflow: ")
    assert told.err.count("\n") == 1
    assert said in told.err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SKUFLOW_PROVIDERS", "image=nobody"),
        ("SKUFLOW_PROVIDERS", "image=offline,nobody"),
        ("SKUFLOW_CAPS", "nobody.image=1/day"),
        ("SKUFLOW_MODELS", "nobody.image=x"),
        ("SKUFLOW_DATABASE_URL", "foo"),
        ("SKUFLOW_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/x"),
        ("SKUFLOW_HOME", "noise.csv"),
        ("SKUFLOW_BUDGET", "a lot"),
        ("SKUFLOW_CAPS", "x"),
        ("SKUFLOW_STORAGE", "ftp"),
    ],
)
def test_configuration(
    command: str,
    variable: str,
    value: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(
        "flows.commands.run.TemporaryServer.start", lambda _: pytest.fail("a server was started")
    )
    assert end_of((command, "products.csv"), monkeypatch) == 2
    told = capsys.readouterr().err
    assert "secret" not in told
    assert told.count("\n") == 1
    assert variable in told


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "products.csv", "--out", "noise.csv"), "--out"),
        (("run", "products.csv"), "PREFECT_API_URL"),
        (("doctor", "--bundle", "nofolder/b.zip"), "--bundle"),
    ],
)
def test_what_cannot_be_written_or_reached(
    arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    assert end_of(arguments, monkeypatch) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert said in told
