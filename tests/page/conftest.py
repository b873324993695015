"""The browser of the page's tests, and the pages they look at.

A machine without Chromium fails these tests and says what to install: a page nobody opened is not a page that works.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from orchestration.page.runtime import chart_runtime
from orchestration.page.write import Folder, write_page
from orchestration.report.tour import Tour, choose_tour

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Opened:
    """A page in the browser, and what it complained about or asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ready(self) -> Opened:
        """Wait until everything is drawn."""
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=30_000)
        return self

    def texts(self, selector: str) -> list[str]:
        """What stands in all elements of a kind, as it is written."""
        found: list[str] = self.page.eval_on_selector_all(selector, "all => all.map(one => one.textContent)")
        return found


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium of this machine, without a window; Playwright downloads none.

    Closed with its module: while it runs, this thread counts as inside an event loop, which other tests start anew.
    """
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(
            "No Chromium on this machine, and the KPI page has to be opened in one: apt-get install chromium",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a file from disk: `open_page(path, width=1280, lang="vi")`."""
    contexts = []

    def opened(path: Path, width: int = 1280, lang: str = "en", height: int = 900) -> Opened:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            locale={"vi": "vi-VN", "en": "en-US"}[lang],
            reduced_motion="reduce",
            offline=True,
        )
        contexts.append(context)
        page = context.new_page()
        result = Opened(page)
        page.on("console", lambda message: result.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: result.complaints.append(str(error)))
        page.on("dialog", lambda dialog: result.complaints.append(dialog.message))
        page.on("request", lambda request: result.requests.append(request.url))
        page.goto(path.as_uri())
        return result.ready()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def chart_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the chart library is kept, bundled once."""
    path = tmp_path_factory.mktemp("library")
    chart_runtime(path)
    return path


@dataclass(frozen=True)
class Pages:
    """Two files of the demo company: a salesperson's and a manager's."""

    folder: Folder
    tour: Tour
    seller: Path
    manager: Path


@pytest.fixture(scope="session")
def pages(small_publication: Path, chart_library: Path, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Written once for all tests of this process."""
    folder = Folder(small_publication, tmp_path_factory.mktemp("pages"), chart_library)
    tour = choose_tour(small_publication)
    return Pages(
        folder,
        tour,
        write_page(folder, tour.salesperson_email).path,
        write_page(folder, tour.manager_email).path,
    )
