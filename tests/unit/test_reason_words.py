"""Why a part is not there is said in Chinese as well, for every code that the runner can give."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.forms import Kits
from skuflow.review.reason_words import has_words, reason_words, trouble_words

ROOT = Path(__file__).parents[2]
WRITTEN = re.compile(r"""(?:Reason|_until)\(\s*(?:error\.resets_at,\s*)?"([A-Z_]+)\"""")
CHINESE = re.compile("[\u4e00-\u9fff]")


def codes_of_source() -> set[str]:
    files = [*(ROOT / "skuflow").rglob("*.py"), *(ROOT / "tasks").rglob("*.py")]
    found = {code for file in files for code in WRITTEN.findall(file.read_text(encoding="utf-8"))}
    mapped = (ROOT / "skuflow/jobs/outcome.py").read_text(encoding="utf-8")
    return found | set(re.findall(r'Error, "([A-Z_]+)"\)', mapped))


def test_every_reason_of_the_source_has_chinese_words() -> None:
    codes = codes_of_source() - {"PART_STALE"}  # of parts that are made
    assert {"CAP_REACHED", "STILL_WORKING", "IN_DOUBT", "RATE_LIMITED", "VIDEO_WAITS"} < codes
    assert [code for code in sorted(codes) if not has_words(code)] == []


def test_a_reason_keeps_its_sentence_and_its_code() -> None:
    words = reason_words("CAP_REACHED: the cap of 50 a day is used up: run again tomorrow")
    assert words.en == "CAP_REACHED: the cap of 50 a day is used up: run again tomorrow"
    assert CHINESE.search(words.zh)
    assert words.zh.endswith("（CAP_REACHED）")


@pytest.mark.parametrize(
    "text", ["", "–", "something unforeseen", "NEW_CODE: of a later version", "CAP_REACHED"]
)
def test_what_is_not_known_is_said_as_it_is(text: str) -> None:
    assert reason_words(text) == reason_words(text).__class__(text, text)
    assert trouble_words(text).zh == text


def test_a_trouble_names_its_part_in_both_languages() -> None:
    words = trouble_words("video:1: BUDGET_REACHED: the budget of 50 CNY is used up")
    assert words.en.startswith("video:1: BUDGET_REACHED")
    assert words.zh.startswith("视频 1：今日预算不足")
    assert trouble_words("copy:zh-Hant:amazon: SLOT_BUSY: x").zh.startswith("文案 中文 amazon：")
    assert trouble_words("video:1: a sentence without a code").zh == "video:1: a sentence without a code"


def sentences_of(path: Path) -> Iterator[str]:
    """The texts of a file, those of an f-string in one piece; docstrings are none."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    pieces = {
        id(piece) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for piece in node.values
    }
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(piece.value) for piece in node.values if isinstance(piece, ast.Constant))
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in pieces | documents
        ):
            yield node.value


def test_what_is_made_again_by_an_option_is_made_again_by_the_form_too() -> None:
    """Who works with the form does not know the command line."""
    files = [file for folder in ("skuflow", "tasks", "flows") for file in (ROOT / folder).rglob("*.py")]
    told = [
        text
        for file in files
        if file != ROOT / "flows/cli.py"
        for text in sentences_of(file)
        if "--remake" in text
    ]
    labels = {field.title for field in Kits.model_fields.values()}
    assert {"Make again 重做", "Stages 步骤", "Video shapes 视频尺寸"} <= labels
    assert len(told) > 20
    assert [text for text in told if not re.search("form: Make again|表单“重做”栏", text)] == []
