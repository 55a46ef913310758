"""One Chromium for all tests of this folder, and one shop that is up: server, worker, deployments, runs by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, expect, sync_playwright

from tests.browser.prefect_ui import UIS, ManualForm, Shop, pasted_rows
from tests.flows.up_household import Household, household

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ELSEWHERE = re.compile(r"^(?!https?://(127\.0\.0\.1|localhost)[:/])https?://")
DESKTOP, PHONE = (1400, 1000), (420, 900)
OpenPage = Callable[..., Page]
PATIENCE_MS = 60_000
"""A page that is still loading is not a page that lacks something; machines that test are slow at times."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine; install Debian's package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(locale="en-US", viewport={"width": 1400, "height": 900}) as context:
        yield context


@pytest.fixture(params=UIS, ids=list(UIS))
def ui(request: pytest.FixtureRequest, house: Household) -> str:
    """The address of each of Prefect's two UIs. The second is the one that a person gets unasked."""
    return f"{house.places['ui']}{UIS[request.param]}"


@pytest.fixture
def open_page(
    browser: Browser, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenPage]:
    """Opens addresses of this machine; what pages looked like at the end stands in ``pages/`` of pytest's folder."""
    contexts: list[BrowserContext] = []

    def opened(address: str, size: tuple[int, int] = DESKTOP) -> Page:
        viewport = ViewportSize(width=size[0], height=size[1])
        context = browser.new_context(locale="en-US", timezone_id="Asia/Shanghai", viewport=viewport)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.route(ELSEWHERE, _refuse)
        page = context.new_page()
        page.goto(address)
        return page

    yield opened
    pictures = tmp_path_factory.getbasetemp() / "pages"
    pictures.mkdir(exist_ok=True)
    for no, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=pictures / f"{re.sub('[^a-z0-9]+', '-', request.node.name)}-{no}.png")
        context.close()


def _refuse(route: Route) -> None:
    route.abort()


@pytest.fixture(scope="session")
def house(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    """Everything up. Asks for the browser first: without one nothing is started."""
    with household(tmp_path_factory.mktemp("up")) as running:
        yield running


@pytest.fixture(scope="session")
def shop(house: Household, browser: Browser) -> Shop:
    """A batch of two that was filled into the form and has run to its end, and the report of its day."""
    day = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with browser.new_context(viewport={"width": 1400, "height": 1000}) as context:
        context.set_default_timeout(PATIENCE_MS)
        context.route(ELSEWHERE, _refuse)
        form = ManualForm(context.new_page(), house, "new-listings/manual")
        form.write("rows (Optional)", pasted_rows())
        form.choose("Stage", "copy", "images")
        form.choose("Languages 语言", "en")
        form.choose("Markets 目标市场", "ES")
        form.choose("Images by 图片", "offline")
        run_id = form.submit_for_run()
    state = house.end_of(run_id)
    reported = house.finished("daily-report/daily", {"day": day.isoformat()})
    assert reported["type"] == "COMPLETED", reported
    return Shop(house, run_id, state, day)
