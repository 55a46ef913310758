"""The gallery in a real browser, opened from the folder as a person does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from skuflow.review.cards import KitEntry
from skuflow.review.export import export_kit
from skuflow.review.gallery import write_gallery
from skuflow.storage.folder import FolderStore
from tests.review_kits import (
    HOSTILE_TITLE,
    blocked_charger,
    paint_plainly,
    sample_entries,
    with_visible_labels,
)

Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gallery")
    store = FolderStore(root / "storage")
    entries = sample_entries(store)
    for entry in entries:
        export_kit(entry.kit, store, root / "kits #1")
    write_gallery(entries, root / "kits #1", title="New listings", run=None)
    return root / "kits #1"


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("long")
    kit = blocked_charger()
    entries = [KitEntry(kit.model_copy(update={"sku": f"chg-{n}", "kit_id": str(n)})) for n in range(62)]
    write_gallery(entries, root, title="Long run", run=None)
    return root


@pytest.fixture
def page(context: BrowserContext, folder: Path) -> Iterator[Page]:
    """The gallery, watched: no script may fail and no file may be remote or missing."""
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"script: {error}"))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on("request", lambda request: faults.append(request.url) if is_remote(request.url) else None)
    page.on("framenavigated", lambda frame: faults.append(frame.url) if is_remote(frame.url) else None)
    page.goto((folder / "index.html").as_uri())
    yield page
    assert not faults


def is_remote(address: str) -> bool:
    return not address.startswith(("file:", "data:"))


def card(page: Page, sku: str) -> Locator:
    return page.locator(
        "article.card", has=page.locator("code.sku", has_text=re.compile(f"^{re.escape(sku)}$"))
    )


def test_product_text_never_becomes_script(page: Page) -> None:
    expect(page).to_have_title("New listings")
    expect(page.locator("article.card").last.locator("h2")).to_have_text(HOSTILE_TITLE)


def test_language_follows_the_browser_and_is_remembered(browser: Browser, folder: Path) -> None:
    address = (folder / "index.html").as_uri()
    with browser.new_context(locale="zh-CN") as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
        expect(page.get_by_role("button", name="已拦截")).to_be_visible()
        expect(page.get_by_placeholder("搜索 SKU")).to_be_visible()
        expect(card(page, "DM-MUG-001").locator("h2")).to_have_text(
            re.compile("复古窑变釉"), use_inner_text=True
        )
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("button", name="Blocked")).to_be_visible()
        expect(page.get_by_text("已拦截").first).to_be_hidden()
        expect(page.locator(".stage img").first).to_have_attribute(
            "alt", re.compile("^Reactive-Glaze.*Main image")
        )
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.get_by_placeholder("Search SKU")).to_be_visible()


def test_page_works_where_storage_is_refused(context: BrowserContext, folder: Path) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
    )
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_tabs_show_one_language_and_obey_the_arrow_keys(page: Page) -> None:
    mug = card(page, "DM-MUG-001")
    expect(mug.get_by_role("tabpanel")).to_have_count(1)
    mug.get_by_role("tab", name="Deutsch").click()
    expect(mug.get_by_role("tabpanel").locator(".copy-title")).to_have_text(re.compile("^Keramikbecher"))
    page.keyboard.press("ArrowRight")
    expect(mug.get_by_role("tab", name="日本語")).to_be_focused()
    expect(mug.get_by_role("tabpanel").locator(".copy-title")).to_have_attribute("lang", "ja")
    page.keyboard.press("ArrowRight")
    expect(mug.get_by_role("tab", name="English")).to_have_attribute("aria-selected", "true")
    expect(card(page, "DM-LMP-002").get_by_role("tab", name="English")).to_have_attribute(
        "aria-selected", "true"
    )


def test_copy_buttons_fill_the_clipboard(context: BrowserContext, page: Page) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    piece = card(page, "DM-MUG-001").locator(".piece:visible").nth(1)
    piece.get_by_role("button").click()
    expect(piece.get_by_role("button")).to_have_text("Copied", use_inner_text=True)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.splitlines()[0] == "Reactive glaze: no two mugs share the same pattern"
    assert len(copied.splitlines()) == 5


def test_filter_by_status_and_by_text(page: Page) -> None:
    shown = page.locator("article.card:visible")
    expect(shown).to_have_count(6)
    page.get_by_role("button", name="Blocked").click()
    expect(shown).to_have_count(1)
    expect(shown.locator("code.sku")).to_have_text("DM-CHG-007")
    page.get_by_role("button", name="Blocked").click()
    search = page.get_by_role("searchbox")
    search.fill("马克杯")
    expect(shown).to_have_count(1)
    search.fill("LAMP desk")
    expect(shown.locator("code.sku")).to_have_text("DM-LMP-002")
    search.fill("err_vs_402")
    expect(shown.locator("code.sku")).to_have_text("DM-CHG-007")
    search.fill("no such thing")
    expect(shown).to_have_count(0)
    page.get_by_role("button", name="Show all").click()
    expect(shown).to_have_count(6)


def test_search_reaches_other_pages(context: BrowserContext, long_folder: Path) -> None:
    page = context.new_page()
    page.goto((long_folder / "index-2.html").as_uri())
    page.get_by_role("searchbox").fill("chg-17")
    page.get_by_role("link", name="Search all pages").click()
    expect(page.get_by_role("searchbox")).to_have_value("chg-17")
    expect(page.locator("article.card:visible code.sku")).to_have_text("chg-17")
    page.get_by_role("searchbox").fill("chg-61")
    page.locator("#elsewhere a").click()
    expect(page).to_have_url(re.compile(r"index-2\.html#sku-chg-61$"))
    expect(card(page, "chg-61")).to_be_in_viewport()


def test_pictures_and_shapes_change_the_stage(page: Page) -> None:
    mug = card(page, "DM-MUG-001")
    stage, note = mug.locator(".stage img"), mug.locator("[data-stage-note]")
    place = "card => [card.offsetTop, card.offsetHeight, card.querySelector('.stage').offsetHeight]"
    before = mug.evaluate(place)
    mug.locator(".thumb").nth(2).click()
    expect(stage).to_have_attribute("src", re.compile(r"/image-scene-2-800x800\.jpg$"))
    mug.get_by_role("button", name="1920 × 600").click()
    expect(stage).to_have_attribute("src", re.compile(r"/image-scene-2-1920x600\.jpg$"))
    expect(stage).to_have_js_property("naturalWidth", 192)
    expect(note).to_contain_text("Scene 2")
    expect(note).to_contain_text("1920 × 600")
    mug.locator(".thumb").first.click()
    expect(note).to_contain_text("not made in this shape")
    assert mug.evaluate(place) == before, "the layout does not jump"


def test_lightbox_by_keyboard(page: Page) -> None:
    mug = card(page, "DM-MUG-001")
    mug.locator(".stage").focus()
    page.keyboard.press("Enter")
    box = page.get_by_role("dialog")
    expect(box).to_be_visible()
    expect(box.locator("img")).to_have_attribute("src", re.compile("main"))
    page.keyboard.press("ArrowRight")
    expect(box.locator("img")).to_have_attribute("src", re.compile("scene-1"))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(box.locator("img")).to_have_attribute("src", re.compile("scene-3"))
    box.get_by_role("button", name="1080 × 1920").click()
    expect(box.locator("img")).to_have_attribute("src", re.compile("scene-3-1080x1920"))
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(mug.locator(".stage")).to_be_focused()
    expect(mug.locator(".stage img")).to_have_attribute("src", re.compile("scene-3-1080x1920"))


def test_overview_leads_to_the_card(page: Page) -> None:
    page.get_by_role("button", name="Overview").click()
    expect(page.get_by_role("tab").first).to_be_hidden()
    chair = card(page, "DM-CHR-003")
    chair.locator(".stage").click()
    expect(page.locator("html")).to_have_attribute("data-view", "detail")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(chair.locator("h2")).to_be_in_viewport()


@pytest.mark.parametrize("view", ["detail", "grid"])
def test_phone_shows_the_whole_width(browser: Browser, folder: Path, view: str) -> None:
    with browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, locale="zh-CN"
    ) as context:
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        page.locator(f"button[data-view={view}]").tap()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        head = card(page, "DM-MUG-001").locator("h2").bounding_box()
        stage = card(page, "DM-MUG-001").locator(".stage").bounding_box()
        assert head is not None
        assert stage is not None
        assert (head["y"] < stage["y"]) is (view == "detail")


def test_everything_can_be_read_without_script(browser: Browser, folder: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((folder / "index.html").as_uri())
        mug = card(page, "DM-MUG-001")
        expect(mug.locator(".copy-title:visible")).to_have_count(7)
        expect(mug.locator("video")).to_be_visible()
        expect(mug.locator(".thumb").nth(1)).to_have_attribute("href", re.compile(r"scene-1-800x800\.jpg$"))


def test_a_person_switches_to_the_labelled_files(context: BrowserContext, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "storage")
    kit = with_visible_labels(store, paint_plainly, sample_entries(store)[0].kit)
    export_kit(kit, store, tmp_path / "kits")
    write_gallery([KitEntry(kit)], tmp_path / "kits", title="Labels", run=None)
    page = context.new_page()
    page.goto((tmp_path / "kits" / "index.html").as_uri())
    stage, film = page.locator("[data-stage]"), page.locator("video").first
    button = page.get_by_role("button", name="AI label · CN")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(stage).to_have_attribute("href", re.compile("scene-1-800x800-ai-label"))
    expect(page.locator("[data-stage-note]")).to_contain_text("with AI label")
    expect(film).to_have_attribute("src", re.compile("ai-label"))
    page.get_by_role("button", name="1080 × 1920").first.click()
    expect(stage).to_have_attribute("href", re.compile("1080x1920-ai-label"))
    stage.click()
    expect(page.locator(".lb-file")).to_have_attribute("href", re.compile("1080x1920-ai-label"))
    page.keyboard.press("Escape")
    page.locator(".thumb").first.click()
    expect(page.locator("[data-stage-note]")).to_contain_text("needs no label")
    button.click()
    page.locator(".thumb").nth(1).click()
    expect(stage).not_to_have_attribute("href", re.compile("ai-label"))
    expect(film).not_to_have_attribute("src", re.compile("ai-label"))
