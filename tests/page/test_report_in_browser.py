"""The monthly report in a browser and on paper: complaints, widths, long names, accessibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from orchestration.monthly.content import make_document
from orchestration.monthly.facts import Restated
from orchestration.monthly.html import html_of
from orchestration.report.labels import Lang
from tests.unit.test_monthly_content import FEBRUARY, facts

LONG = "Nguyễn Phan Thị Hoàng Ánh Tuyết Thuỳ Trang (Phó trưởng phòng Kinh doanh Miền Nam kiêm Chăm sóc khách hàng)"
WIDTHS = (320, 768, 1280, 1920)

OpenReport = Callable[..., Page]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report with a name that is longer than a phone is wide."""
    path = tmp_path / "report.html"
    people = {**facts().employees, "an": LONG}
    restated = (Restated(FEBRUARY, "revenue_amount", Decimal(600), Decimal(660), {"added": 1}, 2, 3),)
    document = make_document(replace(facts(), employees=people, restated=restated), Lang.VI)
    path.write_text(html_of(document), encoding="utf-8")
    return path


@pytest.fixture
def open_report(browser: Browser) -> Iterator[OpenReport]:
    """Open a file from disk, with nothing to fetch from; what it complains about is an error."""
    contexts = []
    complaints: list[str] = []

    def opened(path: Path, width: int = 1280, bypass_csp: bool = False) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, bypass_csp=bypass_csp)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_every_width(open_report: OpenReport, report: Path, width: int) -> None:
    """Only tables may be wider than the screen, and each scrolls by itself."""
    page = open_report(report, width)
    assert page.get_attribute("html", "lang") == "vi"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("table").count() == 8
    assert page.locator("figure svg").count() == 2
    for picture in page.locator("figure svg").all():
        box = picture.bounding_box()
        assert box is not None
        assert 0 < box["width"] <= width
    assert LONG in (page.locator("tbody th", has_text="Nguyễn Phan").text_content() or "")


@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_in_the_report(open_report: OpenReport, report: Path, width: int) -> None:
    found = Axe().run(open_report(report, width, bypass_csp=True)).response
    assert [one["id"] for one in found["violations"]] == []
    assert {"color-contrast", "scrollable-region-focusable", "svg-img-alt"} & {one["id"] for one in found["passes"]}


def test_on_paper_no_table_is_cut(open_report: OpenReport, report: Path) -> None:
    """A4 without its margins is 688 pixels wide; what is wider would be cut at its edge."""
    page = open_report(report, 688)
    page.emulate_media(media="print")
    for table in page.locator("table").all():
        box = table.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 689
    assert len(page.pdf(prefer_css_page_size=True)) > 10_000
