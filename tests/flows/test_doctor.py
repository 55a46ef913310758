"""What the doctor says of vendors: by name what is missing, by host what answers, and never a key."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows.cli import main
from flows.commands.vendor_checks import DESKS, model_prices
from flows.commands.vendor_probe import ability
from providers.registry import REGISTRY
from skuflow.settings import Settings, read_settings
from tasks.wiring import using, wire

KEY = "sk-canarycanarycanary"
ALL_KEYS = {name: KEY for desk in DESKS.values() for group in desk.keys for name in group}

Doctor = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Run ``skuflow doctor --json`` under these variables; the checks by name. Asserts that no key is shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKUFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_API_URL", "")

    def run(status: int, **variables: str) -> dict[str, dict[str, Any]]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["skuflow", "doctor", "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr().out
        assert ended.value.code == status, told
        assert KEY not in told
        return {check["name"]: check for check in json.loads(told)["checks"]}

    return run


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A server that only listens, and what it was sent."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                heard.append(connection.recv(1000))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        thread.join(3)


def test_a_vendor_that_answers_is_reached_and_asked_nothing(doctor: Doctor) -> None:
    with listening() as (address, heard):
        checks = doctor(
            0, SKUFLOW_PROVIDERS="video=kling", KLING_API_KEY=KEY, KLING_BASE_URL=f"{address}/path"
        )
    assert heard == [b""]
    assert "KLING_API_KEY is set; account at 127.0.0.1" in checks["kling"]["detail"]
    assert "nothing was asked" in checks["reach kling"]["detail"]
    assert checks["kling prices"]["warning"]
    assert "not confirmed" in checks["kling prices"]["detail"]
    assert "kling.video 0 of 50 used" in checks["limits"]["detail"]
    assert "at most 50 CNY a day" in checks["limits"]["detail"]
    assert "polling" in checks["callbacks"]["detail"]


def test_a_vendor_that_does_not_answer_is_a_trouble_with_a_remedy(doctor: Doctor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"https://user:{KEY}@127.0.0.1:{taken.getsockname()[1]}/v1?token={KEY}"
        checks = doctor(3, SKUFLOW_PROVIDERS="video=hailuo", MINIMAX_API_KEY=KEY, MINIMAX_BASE_URL=address)
    assert not checks["reach hailuo"]["ok"]
    assert "MINIMAX_BASE_URL" in checks["reach hailuo"]["detail"]
    assert checks["hailuo"]["ok"]


def test_an_address_that_is_none_is_told(doctor: Doctor) -> None:
    checks = doctor(3, SKUFLOW_PROVIDERS="video=ark", ARK_API_KEY=KEY, ARK_BASE_URL="ark.example")
    assert "ARK_BASE_URL is no address" in checks["reach ark"]["detail"]


def test_missing_keys_are_told_one_by_one_and_hide_nothing(doctor: Doctor) -> None:
    checks = doctor(
        3, SKUFLOW_PROVIDERS="copy=qwen;video=kling,jimeng", DASHSCOPE_HTTP_BASE_URL="http://127.0.0.1:1"
    )
    assert checks["ledger"]["ok"]
    assert checks["limits"]["ok"]
    for name, variable in (
        ("qwen", "DASHSCOPE_API_KEY"),
        ("kling", "KLING_API_KEY"),
        ("jimeng", "JIMENG_ACCESS_KEY"),
    ):
        assert not checks[name]["ok"]
        assert checks[name]["detail"].startswith(f"{variable}: ")


def test_an_empty_ledger_beside_kits_is_a_warning(doctor: Doctor, tmp_path: Path) -> None:
    assert not doctor(0)["ledger"]["warning"]
    kit = tmp_path / "home" / "storage" / "kits" / "MUG-1" / "kit.json"
    kit.parent.mkdir(parents=True)
    kit.write_bytes(b"{}")
    ledger = doctor(0)["ledger"]
    assert ledger["warning"]
    assert "SKUFLOW_DATABASE_URL" in ledger["detail"]


def test_how_pictures_travel_is_said(doctor: Doctor) -> None:
    variables = {
        "SKUFLOW_PROVIDERS": "image=wanx",
        "DASHSCOPE_API_KEY": KEY,
        "DASHSCOPE_HTTP_BASE_URL": "http://127.0.0.1:1",
    }
    upload = doctor(3, **variables)["wanx pictures"]
    assert upload["warning"]
    assert "48 hours" in upload["detail"]
    inline = doctor(3, **variables, SKUFLOW_DASHSCOPE_INPUTS="data")["wanx pictures"]
    assert "SKUFLOW_DASHSCOPE_INPUTS=upload" in inline["detail"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SKUFLOW_MODELS": "kling.video=kling-99"}, "kling-99"),
        ({"SKUFLOW_CAPS": "nobody.video=1/day"}, "nobody"),
        ({"SKUFLOW_PROVIDERS": "image=kling"}, "kling cannot do image"),
        ({"SKUFLOW_ROUTES": "video[value>=5]=nobody"}, "nobody"),
    ],
)
def test_what_no_run_could_use_is_found(doctor: Doctor, variables: dict[str, str], said: str) -> None:
    usual = {"SKUFLOW_PROVIDERS": "video=kling", "KLING_API_KEY": KEY, "KLING_BASE_URL": "http://127.0.0.1:1"}
    checks = doctor(3, **{**usual, **variables})
    assert any(not check["ok"] and said in check["detail"] for check in checks.values()), checks


def test_rings_that_are_not_verified_are_a_warning(doctor: Doctor) -> None:
    checks = doctor(
        3,
        SKUFLOW_PROVIDERS="video=kling",
        KLING_API_KEY=KEY,
        KLING_BASE_URL="http://127.0.0.1:1",
        SKUFLOW_CALLBACK_URL=f"https://me:{KEY}@shop.example.com/?key={KEY}",
    )
    assert checks["callbacks"]["warning"]
    assert "kling ring at shop.example.com" in checks["callbacks"]["detail"]
    assert "KLING_WEBHOOK_SECRET" in checks["callbacks"]["detail"]


def test_every_vendor_has_a_desk_with_settings_that_exist() -> None:
    assert DESKS.keys() == REGISTRY.keys() - {"offline"}
    for desk in DESKS.values():
        assert {desk.address, *(key for group in desk.keys for key in group)} <= Settings.model_fields.keys()


@pytest.mark.parametrize("name", sorted(DESKS))
def test_every_usual_model_of_a_vendor_has_a_price_row(name: str, tmp_path: Path) -> None:
    settings = read_settings(
        {"skuflow_home": tmp_path, "skuflow_providers": "", "openai_prices": "gpt-4o-mini=1/2", **ALL_KEYS}
    )
    with using(wire(settings)) as wiring:
        provider = wiring.provider_named(name)
        for capability in provider.capabilities:
            able = ability(provider, capability, settings)
            assert able.models
            assert able.most_micro > 0
            for model in able.models:
                assert model_prices(name, model, settings), model
