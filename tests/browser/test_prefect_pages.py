"""What a run leaves in Prefect's UI: its graph, the page of a SKU, table and costs of the batch, the day's report."""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import DESKTOP, PATIENCE_MS, PHONE
from tests.browser.prefect_ui import BLOCKED, GOOD, Shop

OpenPage = Callable[..., Page]
TASKS = [f"copy {GOOD}", f"images {GOOD}", f"kit {GOOD}", "report of the batch"]
BARS_PX = 2_000
"""The tasks' bars are some twenty pixels high; together they cover more than this."""
_STATES_PX = 30
"""At the bottom the graph has a line of the run's own states, in the same colours."""


def green_px(canvas: Locator) -> int:
    """Pixels of tasks in the colour of what is completed."""
    picture = Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")
    picture = picture.crop((0, 0, picture.width, picture.height - _STATES_PX))
    red, green, blue = (band.tobytes() for band in picture.split())
    return sum(g > r + 60 and g > b + 40 for r, g, b in zip(red, green, blue, strict=True))


def seen(page: Page, text: str, *, exact: bool = False) -> Locator:
    """The first place where the text is to be seen; the second UI keeps the raw text beside it, hidden."""
    return page.get_by_text(text, exact=exact).filter(visible=True).first


def leaves_nothing_outside(page: Page) -> bool:
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return fits


def expect_no_markup(page: Page) -> None:
    """Nothing shows as the Markdown or the data that it was written in."""
    shown = page.locator("body").inner_text()
    assert [
        mark for mark in ("data:image", "**", "| ---", "](", "{'", '{"', "&lt;", "\\_") if mark in shown
    ] == []


def test_the_graph_shows_the_run_and_its_tasks_name_the_sku(ui: str, shop: Shop, open_page: OpenPage) -> None:
    page = open_page(f"{ui}/runs/flow-run/{shop.run_id}")
    expect(seen(page, "by hand: 2 pasted rows")).to_be_visible()
    expect(seen(page, "Unfinished")).to_be_visible()
    canvas = page.locator("canvas").first
    canvas.wait_for()
    deadline_s = time.monotonic() + PATIENCE_MS / 1000
    while (drawn_px := green_px(canvas)) < BARS_PX and time.monotonic() < deadline_s:
        page.wait_for_timeout(500)
    assert drawn_px >= BARS_PX, "the bars of the tasks are drawn"
    graph = shop.house.ask("GET", f"/flow_runs/{shop.run_id}/graph-v2").json()
    labels = {node["label"]: node for _, node in graph["nodes"]}
    assert set(TASKS) <= set(labels)
    parents = {parent["id"] for parent in labels[f"kit {GOOD}"]["parents"]}
    assert {labels[name]["id"] for name in TASKS[:2]} <= parents, "the kit follows copy and images"
    seen(page, "Task Runs", exact=True).click()
    for name in TASKS:
        expect(seen(page, name, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("ui", "size"),
    [("first", DESKTOP), ("second", DESKTOP), ("second", PHONE)],
    indirect=["ui"],
    ids=["first-desktop", "second-desktop", "second-phone"],
)
def test_the_page_of_a_sku_has_pictures_scores_and_cost(
    ui: str, shop: Shop, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{ui}{shop.artifact(f'kit-{GOOD}')}", size)
    pictures = page.locator("img[src^='data:image/']")
    expect(pictures).to_have_count(4)
    for picture in pictures.all():
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("one => one.naturalWidth") == 176
        assert picture.evaluate("one => one.clientWidth") >= (70 if size == PHONE else 120), (
            "large enough to judge"
        )
    for title in ("Scores 评分", "Cost 成本", "Copy 文案", "Findings 提示"):
        expect(page.get_by_role("heading", name=title)).to_be_visible()
    scores = page.get_by_role("row").filter(has=page.get_by_text("Overall 总分")).locator("xpath=../..")
    figures = scores.get_by_role("cell").all_inner_texts()[-4:]
    assert all(0 < int(figure) <= 100 for figure in figures[:3]), figures
    assert figures[3] == "–", "no video was asked for"
    expect(seen(page, "¥0.00 paid 已付")).to_be_visible()
    expect(seen(page, "Ready for review 待审核")).to_be_visible()
    expect_no_markup(page)
    assert leaves_nothing_outside(page)


def test_a_person_finds_the_sku_from_its_run(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(f"{shop.house.places['ui']}/v2/runs/flow-run/{shop.run_id}?tab=Artifacts")
    page.get_by_role("link", name=f"kit-{GOOD}").first.click()
    page.locator("a[href*='/artifacts/artifact/']").first.click()
    expect(page.get_by_role("heading", name="复古窑变釉陶瓷马克杯 380ml")).to_be_visible()


def test_the_table_of_a_batch_begins_with_what_a_person_must_see(
    ui: str, shop: Shop, open_page: OpenPage
) -> None:
    page = open_page(f"{ui}{shop.artifact('batch-pasted-rows-')}")
    rows = page.get_by_role("row")
    expect(rows).to_have_count(3)
    blocked, good = rows.nth(1), rows.nth(2)
    expect(blocked).to_contain_text(BLOCKED)
    expect(blocked).to_contain_text("Blocked 已拦截")
    expect(blocked).to_contain_text("no photo was found; name an existing file in column images")
    expect(blocked).to_contain_text("找不到图片")
    expect(good).to_contain_text(GOOD)
    expect(good).to_contain_text("Ready for review 待审核")
    expect(good).to_contain_text("5 / 0")
    expect(good).to_contain_text("¥0.00")
    expect_no_markup(page)
    assert leaves_nothing_outside(page)


def test_the_costs_of_a_batch_fit_a_screen(ui: str, shop: Shop, open_page: OpenPage) -> None:
    page = open_page(f"{ui}{shop.artifact('batch-costs-pasted-rows-')}")
    expect(page.get_by_role("heading", name="Costs 费用: pasted-rows-")).to_be_visible()
    expect(seen(page, "2 SKUs, 1 complete 已完成")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Pictures 图片")).to_contain_text("¥0.00")
    expect(seen(page, "Saved 节省")).to_be_visible()
    overflowing = page.evaluate(
        "[...document.querySelectorAll('table')].filter(t => t.scrollWidth > t.parentElement.clientWidth + 1).length"
    )
    assert overflowing == 0, "every column is seen without scrolling"
    expect_no_markup(page)


@pytest.mark.parametrize(
    ("ui", "size"),
    [("first", PHONE), ("second", DESKTOP)],
    indirect=["ui"],
    ids=["first-phone", "second-desktop"],
)
def test_the_report_of_the_day_says_what_waits_for_a_person(
    ui: str, shop: Shop, open_page: OpenPage, size: tuple[int, int]
) -> None:
    page = open_page(f"{ui}{shop.artifact('daily-report')}", size)
    expect(page.get_by_role("heading", name=f"Daily report 日报 {shop.day}")).to_be_visible()
    for title in ("Waits for a person 需要人工处理", "SKUs 商品", "Costs 费用", "Scores 评分"):
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(seen(page, "SKUs blocked or failed 被拦截或失败: 1")).to_be_visible()
    expect(seen(page, "Kits to be reviewed 待审核素材包: 1")).to_be_visible()
    why = page.get_by_role("heading", name="Why kits are not ready 未完成的原因")
    expect(why).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=BLOCKED).first).to_be_visible()
    expect_no_markup(page)
    assert leaves_nothing_outside(page)
