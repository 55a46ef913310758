"""The forms of the deployments by hand, in Prefect's UI: what a person reads, chooses, is told, and starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.prefect_ui import BLOCKED, GOOD, ManualForm, Shop, pasted_rows
from tests.flows.up_household import Household

OpenPage = Callable[..., Page]


def words_of(schema: dict[str, Any]) -> Iterator[str]:
    """Every title and description of the form, those of its groups included."""
    for model in (schema, schema["definitions"]["Kits"], schema["definitions"]["Makers"]):
        for field in model["properties"].values():
            yield field["title"]
            yield " ".join(field["description"].split())


@pytest.mark.parametrize(
    ("ui", "deployment", "size"),
    [
        ("first", "new-listings/manual", DESKTOP),
        ("first", "listing-kit/manual", PHONE),
        ("second", "new-listings/manual", PHONE),
        ("second", "listing-kit/manual", DESKTOP),
    ],
    indirect=["ui"],
    ids=["first-listings", "first-phone-kit", "second-phone-listings", "second-kit"],
)
def test_every_field_is_explained_in_both_uis(
    ui: str, house: Household, open_page: OpenPage, deployment: str, size: tuple[int, int]
) -> None:
    known = house.ask("GET", f"/deployments/name/{deployment}").json()
    page = open_page(f"{ui}/deployments/deployment/{known['id']}/run", size)
    expect(page.get_by_text("Video by 视频").first).to_be_visible()
    shown = " ".join(page.locator("body").inner_text().split())
    missing = [words for words in words_of(known["parameter_openapi_schema"]) if words not in shown]
    assert missing == []
    assert "Who makes it. 由谁制作。" in shown
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing leaves the page"


def test_lists_offer_what_there_is_and_begin_with_the_usual(house: Household, open_page: OpenPage) -> None:
    form = ManualForm(open_page("about:blank"), house, "new-listings/manual")
    assert form.chosen("Images by 图片") == "as configured"
    assert form.choices("Stage") == ["copy", "images", "video"]
    assert {"CN", "US", "ES", "EU", "SEA"} <= set(form.choices("Markets 目标市场"))
    assert {"aliexpress", "amazon", "temu", "tiktok_shop"} <= set(form.choices("Marketplaces 平台"))
    assert form.choices("Languages 语言") == ["en", "es", "fr", "pt", "ru", "de", "ja", "zh"]
    assert {"fast_fashion", "kitchen"} <= set(form.choices("Style 风格"))
    assert "rising_steam" in form.choices("Motion 运镜")
    assert form.choices("Copy by 文案") == ["as configured", "offline", "qwen", "openai"]
    assert "kling" in form.choices("Video by 视频")
    assert "qwen" not in form.choices("Video by 视频")


def test_what_is_left_out_is_told_beside_its_field(house: Household, open_page: OpenPage) -> None:
    form = ManualForm(open_page("about:blank"), house, "listing-kit/manual")
    before = form.runs()
    form.submit()
    expect(form.page.get_by_text("'sku' is a required property", exact=True)).to_be_visible()
    expect(form.page).to_have_url(re.compile("/run$"))
    assert form.runs() == before


@pytest.mark.parametrize(
    ("label", "written", "sentence"),
    [
        (
            "products (Optional)",
            "no/such/file.csv",
            "no/such/file.csv: no such file or folder; name a CSV, XLSX or JSON file, or a folder with one"
            " · no/such/file.csv：没有该文件或文件夹；请指定 CSV、XLSX 或 JSON 文件，或含有它的文件夹",
        ),
        (
            "rows (Optional)",
            "sku,title",
            "the pasted rows have no row below the header; copy the header line and at least one product"
            " · 粘贴的内容只有表头；请连同表头复制至少一行商品",
        ),
    ],
    ids=["no file", "no row"],
)
def test_what_only_reading_shows_ends_the_run_with_one_sentence(
    house: Household, open_page: OpenPage, label: str, written: str, sentence: str
) -> None:
    form = ManualForm(open_page("about:blank"), house, "new-listings/manual")
    form.write(label, written)
    run_id = form.submit_for_run()
    assert house.end_of(run_id)["type"] == "FAILED"
    page = open_page(f"{house.places['ui']}/v2/runs/flow-run/{run_id}?tab=Details")
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text(sentence, exact=True).first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)


def test_what_is_chosen_is_what_runs(shop: Shop) -> None:
    run = shop.house.ask("GET", f"/flow_runs/{shop.run_id}").json()
    asked = run["parameters"]
    assert asked["rows"].split() == pasted_rows().split()
    assert (asked["kits"]["stages"], asked["kits"]["languages"]) == (["copy", "images"], ["en"])
    assert asked["kits"]["markets"] == ["ES"]
    assert asked["makers"] == {
        "copy_by": "as configured",
        "images_by": "offline",
        "video_by": "as configured",
    }
    assert run["name"] == "by hand: 2 pasted rows"
    assert (shop.state["type"], shop.state["name"]) == ("COMPLETED", "Unfinished"), shop.state
    kits = shop.house.home / "storage" / "kits"
    assert (kits / GOOD / "kit.json").exists()
    assert not (kits / BLOCKED / "kit.json").exists()


def test_one_sku_is_started_from_its_own_form(shop: Shop, open_page: OpenPage) -> None:
    """The same wishes again: nothing is made twice."""
    form = ManualForm(open_page("about:blank"), shop.house, "listing-kit/manual")
    form.write("sku", GOOD)
    form.write("rows (Optional)", pasted_rows())
    form.choose("Stage", "copy", "images")
    form.choose("Languages 语言", "en")
    form.choose("Markets 目标市场", "ES")
    state = shop.house.end_of(form.submit_for_run())
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed"), state
    assert ", 5 kept" in state["message"]
