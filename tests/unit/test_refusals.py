"""What a person is told when a run cannot be made, in English and Chinese."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2.sandbox import SandboxedEnvironment

from deployments.setup.notices import FAILURE_BODY
from flows.manual import _catalog
from flows.order import read_order
from flows.refusals import REFUSALS, refusing
from flows.wishes import Wishes
from skuflow.catalog.errors import CatalogError
from skuflow.catalog.gate.judging import GateRulesError
from skuflow.insights.figure_sheets import FiguresError
from skuflow.listing.brief import BriefError
from skuflow.listing.styles import UnknownStyleError, style
from skuflow.refusals import RefusalError
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import StorageError
from tasks.dead_runs import GONE, NEVER_BEGAN

ROOT = Path(__file__).parents[2]
CHINESE = re.compile("[\u4e00-\u9fff]")


def message_of(error: Exception) -> str:
    async def body() -> None:
        raise error

    state = asyncio.run(refusing(body)())  # type: ignore[arg-type, var-annotated]
    assert state.is_failed()
    return str(state.message)


def test_a_catalog_that_cannot_be_used_is_refused_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as refused:
        read_order(str(tmp_path / "gone.csv"), Wishes())
    message = message_of(refused.value)
    assert message.startswith(f"{refused.value} · {tmp_path / 'gone.csv'}：")
    assert message.endswith("没有该文件或文件夹；请检查路径")


@pytest.mark.parametrize(("products", "rows"), [("", ""), ("/goods/a.csv", "sku\ttitle\nA\tMug")])
def test_a_form_that_names_nothing_or_two_things_says_so_in_both_languages(products: str, rows: str) -> None:
    with pytest.raises(CatalogError) as refused:
        _catalog(products, rows, Settings.model_construct(skuflow_catalog=""))
    assert CHINESE.search(refused.value.message_zh)
    assert not CHINESE.search(str(refused.value)), "the command line says it in English"


@pytest.mark.parametrize(
    ("error", "zh"),
    [
        (SettingsError("X is not set"), "配置有误"),
        (GateRulesError("rules.yaml: no such code"), "检查规则有误"),
        (StorageError("the bucket\nis away"), "存储访问出错"),
        (BriefError("no stage", message_zh="没有步骤"), "没有步骤"),
        (CatalogError("a.csv: odd"), "输入有误"),
        (FiguresError("b.csv: odd", message_zh="b.csv：异常"), "b.csv：异常"),
    ],
)
def test_a_refusal_without_chinese_words_says_at_least_what_to_do(error: Exception, zh: str) -> None:
    en, _, said = message_of(error).partition(" · ")
    assert en == " ".join(str(error).split())
    assert said.startswith(zh)
    assert "\n" not in said


def test_a_long_refusal_keeps_its_chinese_words() -> None:
    with pytest.raises(UnknownStyleError) as refused:
        style("nope")
    assert message_of(refused.value).endswith(refused.value.message_zh)


def test_every_refusal_becomes_a_sentence_of_both_languages() -> None:
    assert all(CHINESE.search(message_of(kind("odd"))) for kind in REFUSALS)


def test_every_sentence_about_what_people_gave_has_its_chinese() -> None:
    # Configuration and the shop's own limits are written by engineers, and have one sentence for all.
    kinds = {kind.__name__ for kind in _kinds_of(RefusalError)} - {"SettingsError", "GateRulesError"}
    assert {"CatalogError", "FiguresError", "BriefError", "UnknownStyleError"} <= kinds
    silent, heard = [], set()
    for file in [*(ROOT / "skuflow").rglob("*.py"), *(ROOT / "flows").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id not in kinds:
                continue
            heard.add(node.func.id)
            if "message_zh" not in {keyword.arg for keyword in node.keywords}:
                silent.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert silent == []
    assert heard == kinds


def _kinds_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds_of(each)


@pytest.mark.parametrize("message", [GONE, NEVER_BEGAN])
def test_a_dead_run_is_explained_in_both_languages(message: str) -> None:
    en, _, zh = message.partition(". ")
    assert not CHINESE.search(en)
    assert CHINESE.search(zh)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no products · 未指定商品", "night: no products · 未指定商品"),
        (
            "Flow run encountered an exception: ValueError: odd",
            "night: Flow run encountered an exception: ValueError: odd 运行出现意外错误。",
        ),
        (None, "night: it said nothing 无说明"),
    ],
)
def test_an_alert_says_in_both_languages_what_happened(message: str | None, shown: str) -> None:
    environment = SandboxedEnvironment()
    environment.filters["ui_url"] = lambda run: ""
    state = {"message": message, "type": {"value": "FAILED"}}
    run = {"name": "night", "state": state, "deployment_id": None}
    text = environment.from_string(FAILURE_BODY).render(flow_run=run)
    assert text.splitlines()[0] == shown
