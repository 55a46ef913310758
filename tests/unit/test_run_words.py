"""What ``skuflow run`` and ``skuflow plan`` say to people is in the languages of the terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.commands.plan import price_run, show_plan
from flows.commands.run import Timing, _print_report
from flows.commands.terminal import TerminalProgress
from flows.kit_reports import BatchReport
from flows.order import Order, read_order
from flows.wishes import Wishes
from skuflow.batches.results import SkuResult
from skuflow.catalog.extras import ExtraWishes
from skuflow.jobs.errors import InvalidInputError
from skuflow.listing.brief import BriefError, Stage
from skuflow.review.costs import CostSheet
from skuflow.settings import BOTH, Languages, read_settings
from tasks.wiring import Wiring, using, wire

TROUBLE = "video:1: CAP_REACHED: the cap of 50 a day at kling is used up"
DEFERRED = SkuResult(
    sku="MUG-1", title="Mug", status="deferred", has_kit=True, made=3, troubles=(TROUBLE, "disk full")
)
DONE = SkuResult(sku="MUG-2", title="Mug", status="needs_review", has_kit=True, kept=9)


def told(capsys: pytest.CaptureFixture[str], languages: Languages, *results: SkuResult) -> str:
    sheet = CostSheet((), frozenset(), 50_000_000)
    report = BatchReport(results=results)
    _print_report(report, Path("/k/index.html"), (sheet, Path("/k/costs.html")), Timing(1.5, 4.0), languages)
    return capsys.readouterr().out


def test_a_run_in_chinese_says_why_a_sku_waits(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, ("zh",), DEFERRED)
    assert "MUG-1: 视频 1：今日生成额度已用完" in said
    assert "等待中" in said
    assert "共用时 4.0 秒，其中启动 1.5 秒。" in said
    assert "费用：本次下单已结算 0 元，历次合计 0 元。" in said
    assert "MUG-1: disk full" in said, "what nobody has translated is said as it is"
    assert not re.search("deferred|needs_review|score|Costs|Gallery|video:1", said)


def test_a_run_in_english_speaks_no_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, ("en",), DEFERRED, DONE)
    assert f"MUG-1: {TROUBLE}" in said
    assert re.search(r"│ MUG-1 │ deferred +│", said)
    assert "4.0 s in all, 1.5 s of it before the first step." in said
    assert "Costs: 0 CNY for what this run ordered, 0 CNY in all runs" in said
    assert not re.search("[\u4e00-\u9fff]", said)


def test_a_run_in_both_languages_says_everything_once_in_each(capsys: pytest.CaptureFixture[str]) -> None:
    said = told(capsys, BOTH, DEFERRED, DONE)
    assert "deferred 等待中" in said
    assert "needs_review 待审核" in said
    assert f"MUG-1: {TROUBLE}\n  视频 1：今日生成额度已用完" in said
    assert said.count("disk full") == 1
    wider = max(map(len, said.splitlines()[:3])) - max(
        map(len, told(capsys, ("en",), DEFERRED, DONE).splitlines()[:3])
    )
    assert 0 < wider <= 15, "heads stand one above the other"


@pytest.mark.parametrize(
    ("languages", "line"),
    [
        (("en",), "Nothing was missing; nothing was made."),
        (("zh",), "内容已齐全，本次没有制作。"),
        (BOTH, "Nothing was missing; nothing was made. 内容已齐全，本次没有制作。"),
    ],
)
def test_a_run_that_had_nothing_to_make_says_so(
    capsys: pytest.CaptureFixture[str], languages: Languages, line: str
) -> None:
    assert line in told(capsys, languages, DONE).splitlines()
    assert line not in told(capsys, languages, DONE, DEFERRED).splitlines()


def test_a_batch_of_which_not_all_is_shown_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    many = [DONE.model_copy(update={"sku": f"S-{number}"}) for number in range(200)]
    assert "显示其中" not in told(capsys, ("zh",), *many)
    said = told(capsys, ("zh",), *many, DEFERRED)
    assert "共 201 个 SKU，显示其中 1 个：200 个待审核、1 个等待中；" in said


@pytest.mark.parametrize(("languages", "status"), [(("zh",), "待审核"), (BOTH, "needs_review 待审核")])
def test_progress_is_in_the_languages_of_the_terminal(
    capsys: pytest.CaptureFixture[str], languages: Languages, status: str
) -> None:
    with TerminalProgress(quiet=False, languages=languages) as progress:
        progress.batch_started(10, 4)
        progress.passed_over(3)
        progress.sku_done("A", "needs_review")
    said = capsys.readouterr().err
    assert "10 个 SKU 中有 4 个已完成" in said
    assert "3 个 SKU 已完成，无需再做" in said
    assert f"[8/10] A: {status}\n" in said


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[tuple[Wiring, Order]]:
    """One product of which a copy can be written and a picture of a person cannot be made."""
    path = tmp_path / "c.csv"
    path.write_text("sku,title,images\nMUG-1,Ceramic mug,a.jpg\nMUG-2,Mug,gone.jpg\n", encoding="utf-8")
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff not looked into")
    settings = read_settings(
        {
            "skuflow_home": tmp_path / "home",
            "skuflow_providers": "",
            "skuflow_language": "zh",
            "skuflow_caps": "offline.copy=5/day",
            "skuflow_budget": "50 CNY/day",
        }
    )
    wishes = Wishes(
        stages=[Stage.COPY, Stage.IMAGES],
        languages=["en"],
        extras=ExtraWishes(model="a young chef"),
    )
    with using(wire(settings)) as wiring:
        yield wiring, read_order(path, wishes)


def test_a_plan_in_chinese(planned: tuple[Wiring, Order], capsys: pytest.CaptureFixture[str]) -> None:
    wiring, order = planned
    assert show_plan(wiring, order, as_json=False) == 0
    said = capsys.readouterr().out
    assert "本次运行将为 1 个 SKU 制作" in said
    assert "约 0 元，最多 0 元（今日预算剩余 50 元）；已有 0 项内容。" in said
    assert "已用 0（上限 5）" in said
    assert "MUG-1 模特图 不会制作：需由供应商制作" in said
    assert "1 行无法使用" in said
    assert "按额度和预算需 1 天。" in said
    assert not re.search("image:|parts|provider|About|no cap", said)


def test_a_plan_in_english(planned: tuple[Wiring, Order], capsys: pytest.CaptureFixture[str]) -> None:
    wiring, order = planned
    wiring.settings = wiring.settings.model_copy(update={"skuflow_language": "en"})
    show_plan(wiring, order, as_json=False)
    said = capsys.readouterr().out
    assert "A run would make, for 1 SKU\n" in re.sub(" +\n", "\n", said)
    assert "About 0 CNY, at most 0 CNY (50 CNY of today's budget left); 0 parts are there already." in said
    assert "MUG-1 image:model:1 is not tried again: " in said
    assert "Days under the caps: 1." in said
    assert not re.search("[\u4e00-\u9fff]", said)


def test_a_plan_for_machines_is_in_no_language(
    planned: tuple[Wiring, Order], capsys: pytest.CaptureFixture[str]
) -> None:
    show_plan(*planned, as_json=True)
    plan = json.loads(capsys.readouterr().out)
    assert list(plan["refusals"]) == ["MUG-1 image:model:1"]
    assert plan["parts_refused"] == 1
    assert {line["capability"] for line in plan["lines"]} == {"copy", "image"}


def test_a_plan_that_cannot_be_made_names_parts_in_words(
    planned: tuple[Wiring, Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring, order = planned

    def refuse(request: object) -> object:
        raise InvalidInputError("no such model", "kling", "BAD")

    monkeypatch.setattr(wiring, "offers", refuse)
    with pytest.raises(BriefError) as refused:
        price_run(wiring, order)
    assert refused.value.message == "copy:en of MUG-1: no such model"
    assert refused.value.message_zh.startswith("MUG-1 的文案 English：")
