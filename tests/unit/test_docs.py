"""The documentation says what the code does: names, codes, limits and links are held against the source."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from flows.cli import app
from providers.offline.models import MODELS
from skuflow.catalog.gate.judging import packaged_rules
from skuflow.catalog.photos import FILE_LIMIT_BYTES, PIXELS_LIMIT
from skuflow.catalog.row_findings import ROW_FINDINGS
from skuflow.ledger.attempts import MAX_FAILED_ATTEMPTS
from skuflow.listing.schema import kit_schema
from skuflow.quality.score_table import RULES_BY_KIND
from skuflow.settings import Settings
from skuflow.studio.framing import FITTING_ENLARGEMENT, MAX_ENLARGEMENT, MAX_PRODUCT_UPSCALE, MIN_ENLARGEMENT
from skuflow.studio.scenes import FREE_SCALE_SCENES, load_scenes

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
CODES_PAGE = ROOT / "docs" / "intake-codes.md"
OFFLINE_PAGE = ROOT / "docs" / "providers" / "offline.md"

# Vendors' packages speak their vendors' codes as well, and settings are named in capitals too.
CODE_SOURCES = ("skuflow", "tasks", "flows", "providers/offline")
NOT_CODES = {
    "DO_NOT_TRACK": "an environment variable that asks programs to send no statistics",
    "LC_ALL": "an environment variable that names the locale",
    "LC_MESSAGES": "an environment variable that names the locale",
    "OMP_NUM_THREADS": "an environment variable of numeric libraries",
}
NOT_CODES_PREFIXES = ("SKUFLOW_", "PREFECT_", "OSS_")
SEVERITY_OF_RULES = {
    rule.name.upper(): rule.severity.value for rules in RULES_BY_KIND.values() for rule in rules
}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def is_code(text: str) -> bool:
    known_otherwise = text in NOT_CODES or text.startswith(NOT_CODES_PREFIXES)
    return re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", text) is not None and not known_otherwise


@cache
def codes_of_source() -> frozenset[str]:
    """Codes that the source writes as literals, alone or before a colon, and those that rules give rise to."""
    found = {*SEVERITY_OF_RULES, *packaged_rules().codes}
    for folder in CODE_SOURCES:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    before_colon = re.match(r"([A-Z][A-Z0-9_]{3,}): ", node.value)
                    found.update(filter(is_code, [node.value]))
                    if before_colon and (is_code(before_colon[1]) or "_" not in before_colon[1]):
                        found.add(before_colon[1])
    return frozenset(found)


def sections(page: Path, level: int) -> dict[str, str]:
    """The text under each heading of that level, by heading."""
    mark = "#" * level
    pieces = re.split(rf"^{mark} (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {heading: re.split(r"^#", text, maxsplit=1, flags=re.MULTILINE)[0]
            for heading, text in zip(pieces[1::2], pieces[2::2], strict=True)}  # fmt: skip


def code_spans(page: Path) -> Iterator[str]:
    """What stands between backticks, and the lines of indented and fenced blocks."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (line.strip() for line in text.splitlines() if line.startswith("    "))
    yield from re.findall(r"`([^`\n]+)`", text)


def test_every_code_of_the_source_is_described() -> None:
    missing = codes_of_source() - sections(CODES_PAGE, 3).keys()
    assert not missing, f"describe {sorted(missing)} in docs/intake-codes.md"


def test_every_described_code_is_one_of_the_source() -> None:
    gone = sections(CODES_PAGE, 3).keys() - codes_of_source()
    assert not gone, f"no source uses {sorted(gone)}; take them out of docs/intake-codes.md"


def test_codes_are_found_where_they_are_written() -> None:
    known = {"ERR_VS_402", "ROW_NO_SKU", "CAP_REACHED", "COPY_NO_NAME", "IMAGE_IDENTITY", "UNEXPECTED_ERROR"}
    assert known <= codes_of_source()


@pytest.mark.parametrize("code", sorted(sections(CODES_PAGE, 3)))
def test_a_code_has_cause_and_remedy_in_two_languages(code: str) -> None:
    text = sections(CODES_PAGE, 3)[code]
    kinds = "error|warning|info|waits|failed|in brackets"
    assert re.match(rf"\n\*({kinds})((, | or )({kinds}))*\*: \S", text)
    assert re.search(r"^- Remedy: \S", text, re.MULTILINE)
    assert re.search(r"^- 处理：[^\n]*[\u4e00-\u9fff]", text, re.MULTILINE)


def test_codes_have_the_severity_of_the_source() -> None:
    described = sections(CODES_PAGE, 3)
    for code, severity in SEVERITY_OF_RULES.items() | {
        (code, severity.value) for code, (severity, _, _) in ROW_FINDINGS.items()
    }:
        named = re.match(r"\n\*([^*]+)\*", described[code])
        assert named, code
        assert severity in re.split(r", | or ", named[1]), code


def test_no_code_is_described_twice() -> None:
    headings = re.findall(r"^### (.+)$", CODES_PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(headings) == len(set(headings))


def test_limits_of_photos_and_attempts_are_those_of_the_source() -> None:
    described = sections(CODES_PAGE, 3)
    width = packaged_rules()["ERR_VS_402"]
    assert f"below {width.error:g} px is an error, below {width.warning:g} px" in described["ERR_VS_402"]
    assert (
        f"{PIXELS_LIMIT // 1_000_000} megapixels or {FILE_LIMIT_BYTES // 2**20} MiB"
        in described["PHOTO_TOO_LARGE"]
    )
    assert f"than {MIN_ENLARGEMENT} of its size" in described["SCENE_TOO_SMALL"]
    assert MAX_FAILED_ATTEMPTS == 3
    assert "three times" in described["GAVE_UP"]


def test_schema_of_the_kit_is_that_of_the_models() -> None:
    published = (ROOT / "docs" / "kit.schema.json").read_text(encoding="utf-8")
    assert published == kit_schema(), "write it again: make schema"
    assert json.loads(published)["properties"]


def test_the_offline_provider_is_described_as_it_is() -> None:
    page = OFFLINE_PAGE.read_text(encoding="utf-8")
    assert all(f"`{model}`" in page for model in MODELS.values())
    assert f"one of {len(load_scenes())} rendered rooms" in page
    assert f"less than {FITTING_ENLARGEMENT} of its size is not chosen" in page
    assert f"less than {MIN_ENLARGEMENT} of its size" in page
    assert f"up to {MAX_ENLARGEMENT} times larger than life" in page
    assert f"more than {MAX_PRODUCT_UPSCALE} times beyond its photo's pixels" in page
    assert len(FREE_SCALE_SCENES) == 4
    assert "In four studio sets" in page


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(path), f"{target}: there is no such heading"


@cache
def anchors(page: Path) -> frozenset[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_every_page_stands_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target).resolve()
        for target in re.findall(r"\]\(([^)#\s]+)\)", index.read_text(encoding="utf-8"))
    }
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - {index} <= linked


@cache
def commands() -> dict[str, set[str]]:
    """Every command of the command line with its options."""
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {
        name: {"--help", *(option for parameter in command.params for option in parameter.opts)}
        for name, command in group.commands.items()
    }


@each_page
def test_commands_and_their_options_exist(page: Path) -> None:
    for span in code_spans(page):
        call = re.match(r"(?:\$ )?skuflow ([a-z]+)(.*)", span)
        if call:
            assert call[1] in commands(), f"there is no command {span!r}"
            options = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", call[2]))
            assert options <= commands()[call[1]], f"{span!r}: {sorted(options - commands()[call[1]])}"


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(
        re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = {call[1] for span in code_spans(page) if (call := re.match(r"(?:\$ )?make ([a-z][a-z-]*)", span))}
    assert named <= targets


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    places = "flows|tasks|providers|skuflow|tests|docs|samples|benchmarks|deployments"
    for span in code_spans(page):
        if re.fullmatch(rf"(?:{places})/[\w./-]*", span):
            assert (ROOT / span).exists(), f"there is no {span}"


@each_page
def test_settings_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"\bSKUFLOW_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    assert named <= {name.upper() for name in Settings.model_fields}


@each_page
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|work|tmp|Users)/", page.read_text(encoding="utf-8"))
