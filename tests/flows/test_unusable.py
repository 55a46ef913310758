"""What cannot be used ends a command with status 2 and one line that says what to do, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.cli import main
from skuflow.settings import Settings
from tests.flows.conftest import MUG, MakeCatalog

KEYS = [name.upper() for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
VENDORS_KEYS = [name for name in KEYS if not name.startswith("SKUFLOW_")]


@pytest.fixture
def folder(tmp_path: Path, make_catalog: MakeCatalog, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good catalog and a file of noise; the current directory."""
    folder = make_catalog(MUG).parent
    (folder / "noise.csv").write_bytes(bytes(range(256)) * 8)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    for variable in (
        "SKUFLOW_PROVIDERS",
        "SKUFLOW_CATALOG",
        "SKUFLOW_CAPS",
        "SKUFLOW_BUDGET",
        "SKUFLOW_MODELS",
        "SKUFLOW_ROUTES",
        "PREFECT_API_URL",
        *KEYS,
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
        (("run", "http://127.0.0.1:9/products/mug"), "127.0.0.1"),
        (("check", "ftp://example.com/p.csv"), "http and https"),
        (("check", "nowhere/at all"), "nowhere/at all"),
        (("plan", "garden hose"), "garden hose"),
        (("check", "garden hose"), "SKUFLOW_CATALOG"),
        (("run", "garden hose"), "image provider"),
        (("run", ""), "no catalog"),
        (("plan", "noise.csv"), "noise.csv"),
        (("check", "noise.csv"), "noise.csv"),
        (("run", "products.csv", "--stages", "music"), "music"),
        (("run", "products.csv", "--market", "XX"), "XX"),
        (("run", "products.csv", "--marketplace", "bazaar"), "bazaar"),
        (("run", "products.csv", "--style", "baroque"), "baroque"),
        (("run", "products.csv", "--language", "klingon!"), "klingon!"),
        (("plan", "products.csv", "--language", "tlh"), "tlh"),
        (("run", "products.csv", "--language", "zh-Hant"), "zh-Hant"),
        (("plan", "products.csv", "--sku", "nobody"), "nobody"),
        (("plan", "products.csv", "--remake", "mug-1:song"), "song"),
        (("run", "products.csv", "--video-size", "640x480"), "640x480"),
        (("run", "products.csv", "--captions", "it"), "it"),
        (("jobs", "--state", "lost"), "lost"),
        (("jobs", "--day", "yesterday"), "yesterday"),
        (("costs", "--day", "yesterday"), "yesterday"),
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
@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "there is no stage 'music'; stages are copy, images, video"),
        ("zh", "没有名为“music”的步骤；可选：copy、images、video"),
        (
            "both",
            "there is no stage 'music'; stages are copy, images, video"
            " · 没有名为“music”的步骤；可选：copy、images、video",
        ),
    ],
)
def test_in_the_language_of_who_sits_there(
    language: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKUFLOW_LANGUAGE", language)
    assert end_of(("run", "products.csv", "--stages", "music"), monkeypatch) == 2
    assert capsys.readouterr().err == f"skuflow: {told}\n"


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
        ("SKUFLOW_PROVIDERS", "song=offline"),
        ("SKUFLOW_PROVIDERS", "offline"),
        ("SKUFLOW_PROVIDERS", "image="),
        ("SKUFLOW_PROVIDERS", "image=offline,"),
        ("SKUFLOW_PROVIDERS", "copy=offline;copy=offline"),
        ("SKUFLOW_PROVIDERS", "judge=offline"),
        ("SKUFLOW_MODELS", "offline"),
        ("SKUFLOW_MODELS", "offline.song=x"),
        ("SKUFLOW_CAPS", "offline.song=1/day"),
        ("SKUFLOW_CAPS", "offline.image=many/day"),
        ("SKUFLOW_CAPS", "offline.image=5"),
        ("SKUFLOW_CAPS", "offline.judge=5/day"),
        ("SKUFLOW_BUDGET", "-5 CNY/day"),
        ("SKUFLOW_BUDGET", "5 USD/day"),
        ("SKUFLOW_BUDGET", "5 CNY"),
        ("SKUFLOW_ROUTES", "video"),
        ("SKUFLOW_ROUTES", "song[value>=5]=offline"),
        ("SKUFLOW_ROUTES", "image[value>>5]=offline"),
        ("SKUFLOW_ROUTES", "image[value>=5]="),
        ("SKUFLOW_ROUTES", "image[value>=5]=nobody"),
        ("SKUFLOW_CAP_TIMEZONE", "Middle/Earth"),
        ("SKUFLOW_OUTSOURCING", "a fortune"),
        ("SKUFLOW_OUTSOURCING", "150"),
        ("SKUFLOW_REPEAT_COPY_BELOW", "cheap"),
        ("SKUFLOW_DASHSCOPE_INPUTS", "pigeon"),
        ("SKUFLOW_WAIT_S", "0"),
        ("SKUFLOW_CONCURRENCY", "none"),
        ("SKUFLOW_HTTP_TIMEOUT_S", "-1"),
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
@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("providers", "named"),
    [
        ("copy=qwen", "DASHSCOPE_API_KEY"),
        ("image=wanx", "DASHSCOPE_API_KEY"),
        ("video=kling", "KLING_API_KEY"),
        ("video=hailuo", "MINIMAX_API_KEY"),
        ("image=offline,jimeng", "JIMENG_ACCESS_KEY"),
        ("video=ark", "ARK_API_KEY"),
        ("copy=openai", "OPENAI_API_KEY"),
    ],
)
def test_a_key_that_is_missing(
    command: str,
    providers: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SKUFLOW_PROVIDERS", providers)
    assert end_of((command, "products.csv"), monkeypatch) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"skuflow: {named}: ")
    assert told.count("\n") == 1


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["plan", "run"])
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SKUFLOW_MODELS": "kling.video=kling-99"}, ("SKUFLOW_MODELS", "kling-99", "kling-3.0")),
        ({"SKUFLOW_MODELS": "kling.video=kling-3.0@8k"}, ("SKUFLOW_MODELS", "8k")),
        ({"SKUFLOW_MODELS": "hailuo.video=sora"}, ("SKUFLOW_MODELS", "sora")),
        ({"SKUFLOW_MODELS": "qwen.copy=qwen-9"}, ("SKUFLOW_MODELS", "qwen-9")),
        ({"SKUFLOW_MODELS": "wanx.image=wan-9"}, ("SKUFLOW_MODELS", "wan-9")),
        ({"SKUFLOW_MODELS": "jimeng.image=j-9"}, ("SKUFLOW_MODELS", "j-9")),
        ({"SKUFLOW_MODELS": "ark.image=seedream-99"}, ("SKUFLOW_MODELS", "seedream-99")),
        ({"SKUFLOW_MODELS": "openai.copy=gpt-9"}, ("SKUFLOW_MODELS", "gpt-9", "OPENAI_PRICES")),
        ({"SKUFLOW_MODELS": "kling.image=kling-3.0"}, ("SKUFLOW_MODELS", "kling cannot do image")),
        ({"SKUFLOW_CAPS": "kling.image=5/day"}, ("SKUFLOW_CAPS", "kling cannot do image")),
        ({"SKUFLOW_PROVIDERS": "image=kling"}, ("SKUFLOW_PROVIDERS", "kling cannot do image")),
        ({"SKUFLOW_PROVIDERS": "copy=wanx"}, ("SKUFLOW_PROVIDERS", "wanx cannot do copy")),
        ({"SKUFLOW_ROUTES": "image[value>=5]=kling"}, ("kling cannot do image",)),
        ({"OPENAI_PRICES": "gpt-4o-mini=cheap"}, ("OPENAI_PRICES", "cheap")),
        ({"OPENAI_PRICES": ""}, ("OPENAI_PRICES",)),
    ],
)
def test_what_a_vendor_cannot_do(
    command: str,
    variables: dict[str, str],
    said: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    every = "copy=qwen,openai;image=wanx,jimeng,ark;video=kling,hailuo"
    usual = {"SKUFLOW_PROVIDERS": every, "OPENAI_PRICES": "gpt-4o-mini=1/2"}
    for variable, value in {**dict.fromkeys(VENDORS_KEYS, "word-canary"), **usual, **variables}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr(
        "flows.commands.run.TemporaryServer.start", lambda _: pytest.fail("a server was started")
    )
    assert end_of((command, "products.csv"), monkeypatch) == 2
    told = capsys.readouterr().err
    assert told.startswith("skuflow: ")
    assert told.count("\n") == 1
    assert "word-canary" not in told
    for words in said:
        assert words in told


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
