"""The pages on vendors say what the adapters do: prices, models, settings, headings, and the rules of fallbacks."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from flows.commands.emulate import REHEARSAL_HOME
from providers.dashscope.prices import TEXT_PRICES, VISION_PRICES
from providers.dashscope.qwen import QwenProvider
from providers.dashscope.wanx.models import MODELS as WANX_MODELS
from providers.dashscope.wanx.provider import WanxProvider
from providers.emulators.table import EMULATORS
from providers.hailuo.provider import HailuoProvider
from providers.kling.provider import KlingProvider
from providers.openai.provider import OpenAIProvider
from providers.registry import REGISTRY
from providers.volcengine.ark.models import IMAGE_PRICES as ARK_PICTURES
from providers.volcengine.ark.models import VIDEO_CHOICES as ARK_VIDEOS
from providers.volcengine.ark.provider import ArkProvider
from providers.volcengine.jimeng.models import IMAGE_MODELS as JIMENG_PICTURES
from providers.volcengine.jimeng.models import VIDEO_MODELS as JIMENG_VIDEOS
from providers.volcengine.jimeng.provider import JimengProvider
from providers.wire.prices import Price
from skuflow.catalog.columns import understand
from skuflow.jobs import breaker
from skuflow.jobs.contract import Capability, ImageTask, Provider
from skuflow.jobs.router import FALLS_BACK
from skuflow.jobs.routes import parse_routes
from skuflow.settings import Settings
from skuflow.studio.developing.alignment import REACH_PX
from skuflow.studio.developing.clip import CROPPED_RATIO, LARGEST_CUT_S, LEAST_S
from skuflow.studio.developing.reframe import BLIND_KEPT_RATIO, MAX_ENLARGEMENT
from skuflow.studio.framing import MAX_PRODUCT_UPSCALE

DOCS = Path(__file__).parents[2] / "docs"
VENDORS = sorted(REGISTRY.keys() - {"offline"})
HEADINGS = ("What was verified, and how", "Settings", "Limits", "Errors", "Open points")
PROVIDERS: dict[str, type[Provider]] = {
    kind.name: kind
    for kind in (
        ArkProvider,
        HailuoProvider,
        JimengProvider,
        KlingProvider,
        OpenAIProvider,
        QwenProvider,
        WanxProvider,
    )
}
OWN_SETTINGS = {
    "qwen": "dashscope_api_key",
    "wanx": "dashscope_api_key",
    "kling": "kling_",
    "hailuo": "minimax_",
    "jimeng": "jimeng_",
    "ark": "ark_",
    "openai": "openai_",
}

each_vendor = pytest.mark.parametrize("name", VENDORS)


def page(name: str) -> str:
    return (DOCS / "providers" / f"{name}.md").read_text(encoding="utf-8")


def flowing(path: str) -> str:
    """A page's text without its line breaks."""
    return " ".join((DOCS / path).read_text(encoding="utf-8").split())


def rows(text: str) -> list[list[str]]:
    """The cells of all tables."""
    lines = (line for line in text.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def row_of(name: str, model: str) -> str:
    """The table rows that name the model, after the heading on prices."""
    _, _, behind = page(name).partition(next(re.finditer(r"^## .*[Pp]rices$", page(name), re.MULTILINE))[0])
    found = [" | ".join(row) for row in rows(behind) if f"`{model}`" in row[0]]
    assert found, f"docs/providers/{name}.md names no price of {model}"
    return " ".join(found)


def figure(price: Price) -> str:
    """An amount as pages write it."""
    return f"{price.cny:f}"


def says(text: str, amount: Decimal) -> bool:
    return any(Decimal(found) == amount for found in re.findall(r"\d+(?:\.\d+)?", text.replace(",", "")))


@each_vendor
def test_every_vendor_has_a_page_of_the_same_order(name: str) -> None:
    headings = re.findall(r"^## (.+)$", page(name), re.MULTILINE)
    assert [heading for heading in headings if heading in HEADINGS] == list(HEADINGS)
    assert any("rices" in heading for heading in headings)


@each_vendor
def test_every_page_says_that_nothing_was_run_live_and_when_prices_were_read(name: str) -> None:
    text = " ".join(page(name).split())
    assert "Nothing has been run against" in text
    assert name == "openai" or "2026-11-20" in text


@each_vendor
def test_every_page_names_the_settings_of_its_vendor(name: str) -> None:
    own = [field.upper() for field in Settings.model_fields if field.startswith(OWN_SETTINGS[name])]
    assert own
    assert all(f"`{variable}`" in page(name) for variable in own)


@pytest.mark.parametrize("model", [*TEXT_PRICES, *VISION_PRICES])
def test_prices_of_qwen(model: str) -> None:
    row = row_of("qwen", model)
    for step in ({**TEXT_PRICES, **VISION_PRICES}[model]).steps:
        assert says(row, step.read.cny)
        assert says(row, step.written.cny)
        assert ("unconfirmed" in row) is not step.read.confirmed


@pytest.mark.parametrize("model", WANX_MODELS)
def test_prices_of_wanx(model: str) -> None:
    row = row_of("wanx", model)
    for price in WANX_MODELS[model].prices.values():
        assert figure(price) in row
        assert ("no:" in row) is not price.confirmed


@pytest.mark.parametrize("model", [*JIMENG_PICTURES, *JIMENG_VIDEOS])
def test_prices_of_jimeng(model: str) -> None:
    sold = JIMENG_PICTURES.get(model) or JIMENG_VIDEOS[model]
    row = row_of("jimeng", model)
    assert figure(sold.price) in row
    assert row.endswith("no") is not sold.price.confirmed


@pytest.mark.parametrize("model", [*ARK_PICTURES, *ARK_VIDEOS])
def test_prices_of_ark(model: str) -> None:
    choice = ARK_VIDEOS.get(model)
    price = ARK_PICTURES[model] if choice is None else choice.price
    row = row_of("ark", model.partition("@")[0])
    assert says(row, price.cny)
    assert ("no:" in row) is not price.confirmed


@each_vendor
def test_the_overview_names_every_vendor(name: str) -> None:
    told = [row for row in rows((DOCS / "vendors.md").read_text(encoding="utf-8")) if f"`{name}`" in row[0]]
    assert f"(providers/{name}.md)" in told[0][-1]
    assert told[1][1].startswith("looked up" if PROVIDERS[name].can_find else "parked")
    takes_pictures = PROVIDERS[name].capabilities != {Capability.COPY}
    assert len(told) == (3 if takes_pictures else 2), "keys, lost replies, and how pictures get there"


def test_the_overview_says_when_a_fallback_takes_over() -> None:
    table = rows((DOCS / "vendors.md").read_text(encoding="utf-8"))
    told = {
        code for row in table if row[-1] == "the next provider" for code in re.findall(r"[A-Z_]{6,}", row[0])
    }
    assert told == FALLS_BACK


def test_the_overview_says_when_a_breaker_opens() -> None:
    text = flowing("vendors.md")
    assert breaker.FAILURES == 4
    assert "Four submits in a row" in text
    assert f"for {breaker.OPEN_S:g} s nothing is submitted" in text


def test_routes_of_the_overview_can_be_read() -> None:
    routes = re.findall(r"^    SKUFLOW_ROUTES=(.+)$", (DOCS / "vendors.md").read_text("utf-8"), re.MULTILINE)
    assert routes
    assert all(rule.tests for text in routes for rule in parse_routes(text))


def test_the_rehearsal_page_names_every_stand_in() -> None:
    text = flowing("rehearsal.md")
    assert ", ".join(EMULATORS) in text
    assert REHEARSAL_HOME.startswith(".skuflow")


def test_columns_of_the_catalog_page_are_understood() -> None:
    for row in rows((DOCS / "catalogs.md").read_text(encoding="utf-8")):
        fields = re.findall(r"`(model_photo|model_description|line_art|concept|atmosphere|motion)`", row[0])
        for field in fields:
            names = [field, *row[1].split(", ")]
            found = understand(names)
            assert len(found.of(field)) == len(names)


def test_the_kit_page_says_what_the_studio_does_with_vendors_pictures() -> None:
    text = flowing("kits.md")
    assert all(f"`image:{task}:1` | `{task}`" in text for task in ImageTask)
    assert f"moved by more than {REACH_PX:g} px" in text
    assert f"enlarged {MAX_ENLARGEMENT} times at most" in text
    assert f"put back {MAX_PRODUCT_UPSCALE} times beyond" in text
    assert f"crops that keep {BLIND_KEPT_RATIO:.0%}".replace("%", " %") in text
    assert f"up to {CROPPED_RATIO:.0%}".replace("%", " %") in text
    assert f"Up to {LARGEST_CUT_S} s too many" in text
    assert f"below {LEAST_S:.3f} s" in text
