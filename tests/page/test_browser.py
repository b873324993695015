"""The page in a browser: what it shows, how it is worked, at every width and on paper."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import altair
import pytest
from axe_playwright_python.sync_playwright import Axe

from orchestration.page.collect import TEAM
from orchestration.page.rows import most_rows
from orchestration.page.write import Folder, write_page
from tests.page.conftest import Open, Opened, Pages
from tests.page.reading import File, Json, take_apart
from tests.unit.report_publication import MANAGER, SELLER, write_publication

WIDTHS = (320, 375, 768, 1024, 1280, 1920)
PAPER = 718
LANGS = ("en", "vi")


def choose(opened: Opened, picker: str, value: str) -> None:
    opened.page.select_option(f"#{picker}", value)
    opened.ready()


def soft(text: str) -> str:
    """A head without the places where it may break."""
    return re.sub(r"(\w)[-\u00ad] ?([a-zà-ỹ])", r"\1\2", text)


# -- it opens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_it_opens_from_disk_without_a_complaint_or_a_request(open_page: Open, pages: Pages, lang: str) -> None:
    for path in (pages.seller, pages.manager):
        opened = open_page(path, lang=lang)
        assert opened.complaints == []
        assert opened.requests == [path.as_uri()]
        assert opened.page.get_attribute("html", "lang") == lang
        assert opened.page.locator("section.block").count() > 20
        assert opened.page.locator(".chart svg").count() > 20


def test_every_figure_of_the_file_is_shown_as_it_is(open_page: Open, pages: Pages) -> None:
    """Tables hold the file's own texts, cell by cell, for everybody and in both languages."""
    for path in (pages.seller, pages.manager):
        file = take_apart(path)
        opened = open_page(path)
        months = [one["month"] for one in file.head["months"]]
        for subject in list(file.parts)[:3]:
            if len(file.parts) > 1:
                choose(opened, "subject", subject)
            for month in (months[-1], months[len(months) // 2], months[0]):
                choose(opened, "month", month)
                for lang in LANGS:
                    opened.page.click(f"button[data-lang={lang}]")
                    opened.ready()
                    compare_blocks(opened, file, subject, month, LANGS.index(lang))
        assert opened.complaints == []


def compare_blocks(opened: Opened, file: File, subject: str, month: str, lang: int) -> None:
    shown: Mapping[str, Sequence[Sequence[Sequence[str]]]] = opened.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("section.block[id^=block-]")].map((block) => [
            block.id.slice(6),
            [...block.querySelectorAll("table")].map((table) => [...table.querySelectorAll("tbody tr")].map((row) =>
                [...row.children].map((cell) => cell.textContent.trim())))]))"""
    )
    for about in file.head["blocks"]:
        block = file.block(subject, about["name"], month)
        if block is None:
            assert about["name"] not in shown
            continue
        tables = [item["rows"] for item in block.get("items", ()) if "rows" in item]
        expected = [[[file.words(subject, cell, lang).strip() for cell in row] for row in rows] for rows in tables]
        assert shown[about["name"]] == expected, (subject, month, about["name"])


def test_key_figures_stand_first_with_what_they_are_compared_to(open_page: Open, pages: Pages) -> None:
    file = take_apart(pages.seller)
    (seller,) = file.parts
    month = file.head["month"]
    opened = open_page(pages.seller)
    tiles = opened.texts(".tile")
    rows = {row[0]: row for row in file.table(seller, "conversion", month)}
    for tile, label in zip(
        tiles, ("1 New customers", "2 Interactions", "3 Activities (tasks)", "4 Orders", "5 Revenue"), strict=True
    ):
        assert tile.startswith(label[2:] + rows[label][1])
        assert rows[label][2] in tile, "a change stands beside what it is a change of"
    items = file.block(seller, "targets", month)["items"]
    for key, row in zip(items[0]["keys"], file.table(seller, "targets", month), strict=False):
        if key == "revenue_amount":
            assert f"Target: {row[2]} / {row[1]}" in tiles[-1]
            assert f"Achieved {row[3]}" in tiles[-1]
    first_screen = opened.page.locator(".tiles").bounding_box()
    assert first_screen is not None
    assert first_screen["y"] + first_screen["height"] < 900


def test_charts_are_valid_and_made_of_the_tables_cells(open_page: Open, pages: Pages) -> None:
    opened = open_page(pages.manager)
    specs: list[Json] = opened.page.evaluate("kpiPage.specs()")
    cells = set(opened.texts("section.block td"))
    assert len(specs) > 20
    for spec in specs:
        altair.Chart.from_dict({key: value for key, value in spec.items() if key != "$schema"}, validate=True)
        for row in spec["data"]["values"]:
            if "text" in row:
                assert row["text"] in cells
                assert row["value"] == float(re.sub("[,%*]", "", row["text"]))


# -- pickers -----------------------------------------------------------------------------------------------------------


def test_pickers_by_keyboard(open_page: Open, pages: Pages) -> None:
    file = take_apart(pages.manager)
    opened = open_page(pages.manager, lang="vi")
    page = opened.page
    page.focus("#subject")
    page.keyboard.press("ArrowDown")
    opened.ready()
    person = file.head["subjects"][1]
    assert page.text_content("h1") == person["name"] + ("" if person["is_active"] else " (đã nghỉ)")
    assert page.evaluate("document.activeElement.id") == "subject", "the focus stays where it was"
    page.focus("#before")
    page.keyboard.press("Enter")
    opened.ready()
    month = file.head["months"][-2]["month"]
    assert page.input_value("#month") == month
    assert month in (page.text_content(".when") or "")
    compare_blocks(opened, file, person["id"], month, 1)
    page.focus("button[data-lang=en]")
    page.keyboard.press("Space")
    opened.ready()
    assert page.get_attribute("html", "lang") == "en"
    assert page.get_attribute("button[data-lang=en]", "aria-pressed") == "true"
    assert opened.complaints == []


def test_everything_can_be_reached_by_keyboard(open_page: Open, pages: Pages) -> None:
    opened = open_page(pages.seller)
    reached = []
    for _ in range(12):
        opened.page.keyboard.press("Tab")
        reached.append(
            opened.page.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
            )
        )
    assert reached[0] == "skip"
    assert {"month", "before", "print"} <= set(reached)
    opened.page.focus(".skip")
    opened.page.keyboard.press("Enter")
    assert opened.page.evaluate("document.activeElement.id") == "figures"


def test_a_month_that_is_not_over_says_so(open_page: Open, chart_library: Path, tmp_path: Path) -> None:
    marts = write_publication(tmp_path, date(2026, 3, 15))
    path = write_page(Folder(marts, tmp_path / "pages", chart_library), "tuyet@cty.vn").path
    opened = open_page(path)
    assert opened.texts(".when .part") == ["day 1 to 15 of 31"]
    assert "2026-03: day 1 to 15 of 31" in "".join(opened.texts("#trend .note"))
    choose(opened, "month", "2026-02")
    assert opened.texts(".when .whole") == ["whole month"]


# -- the rows behind a figure ------------------------------------------------------------------------------------------


def test_every_figure_that_opens_rows_opens_them(open_page: Open, pages: Pages) -> None:
    opened = open_page(pages.seller)
    page = opened.page
    openers = page.locator("section.block button.open")
    counted = 0
    for at in range(openers.count()):
        opener = openers.nth(at)
        figure = opener.inner_text()
        opener.click()
        assert page.locator("dialog[open]").count() == 1
        rows = page.locator("#rows-table tbody tr").count()
        assert figure in (page.text_content("#rows-title") or "")
        note = page.text_content("#rows-note") or ""
        assert note == f"Rows: {rows:,}.", note
        assert rows > 0
        if count := opener.get_attribute("data-count"):
            assert count == figure == f"{rows:,}", page.text_content("#rows-title")
            counted += 1
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert opener.evaluate("one => one === document.activeElement"), "the focus is where it was"
    assert counted > 30
    assert opened.complaints == []


def test_a_list_that_is_cut_says_how_many_rows_there_are(open_page: Open, chart_library: Path, tmp_path: Path) -> None:
    month = date(2026, 3, 1)
    many = [(f"X{at}", f"Việc {at}", SELLER, "P1", "T1", "new", month, month) for at in range(1000)]
    status = [(month, SELLER, "P1", "T1", 1000, 1000, 0, 0, 0, 0, 0, 0)]
    extra: dict[str, Sequence[tuple[Any, ...]]] = {"marts.fct_tasks": many, "marts.fct_task_status": status}
    marts = write_publication(tmp_path, extra=extra)
    path = write_page(Folder(marts, tmp_path / "pages", chart_library), "quan@cty.vn").path
    opened = open_page(path)
    opened.page.click("#block-tasks button.open")
    # The rows of the month that a team of four has are of several states.
    rows = opened.page.locator("#rows-table tbody tr").count()
    assert most_rows(4) - 10 < rows < most_rows(4)
    assert (opened.page.text_content("#rows-note") or "").startswith(f"{rows} of 1,010 rows; this file holds no more.")


def test_a_person_of_the_team_is_one_click_away(open_page: Open, pages: Pages) -> None:
    opened = open_page(pages.manager)
    opener = opened.page.locator("#block-team button.open").first
    name = opener.inner_text()
    opener.click()
    opened.ready()
    assert opened.page.text_content("h1") == name
    assert opened.page.input_value("#subject") != TEAM
    assert opened.page.evaluate("scrollY") == 0


# -- names -------------------------------------------------------------------------------------------------------------

LONG = (
    "Công ty Trách nhiệm hữu hạn Một thành viên Thương mại Dịch vụ Xuất nhập khẩu Nguyễn Thị Ánh Tuyết và các Cộng sự"
)
UNBROKEN = "Siêuthịđiệnmáy" * 12
HOSTILE = '</script><script>alert("1")</script><img src=x onerror=alert(2)>\u202e\u2066abc'


@pytest.fixture
def hard_names(chart_library: Path, tmp_path: Path) -> Path:
    """A manager's file in which people, customers, tasks and products have names that are hard to show."""
    day = date(2026, 3, 2)
    names = [LONG, UNBROKEN, HOSTILE, "שלום עולם", "a\u0302\u0301nh (tách dấu)"]
    extra: dict[str, Sequence[tuple[Any, ...]]] = {
        "marts.dim_customers": [
            (f"N{at}", SELLER, "R9", "x", 1, False, name, name, day) for at, name in enumerate(names)
        ],
        "marts.dim_customer_cohort": [
            (f"N{at}", SELLER, "R9", 1, "0_to_6_days", False, "V1", "male", "unknown", None, 0, 0)
            for at in range(len(names))
        ],
        "marts.dim_employees": [("E08", UNBROKEN, "long@cty.vn", "D1", LONG, 3, LONG, True, False, False)],
        "core.core_employee_scope": [(MANAGER, "Quan@Cty.vn", "employee", "E08", f"lower rank in {LONG}")],
        "marts.fct_funnel": [(day.replace(day=1), "E08", *([9] * 10), 10**12, 10**12, 10**12)],
        "marts.dim_products": [("A8", UNBROKEN, False), ("A9", HOSTILE, False)],
        "marts.fct_product_sales": [(day.replace(day=1), SELLER, one, 1, 0, 1, 10**11) for one in ("A8", "A9")],
    }
    marts = write_publication(tmp_path, extra=extra)
    return write_page(Folder(marts, tmp_path / "pages", chart_library), "quan@cty.vn").path


@pytest.mark.parametrize("width", [320, 1280])
def test_hard_names_are_whole_and_break_nothing(open_page: Open, hard_names: Path, width: int) -> None:
    opened = open_page(hard_names, width=width, lang="vi")
    assert opened.complaints == [], "no name was run"
    assert UNBROKEN in "".join(opened.texts("#block-team th"))
    assert 'alert("1")' in "".join(opened.texts("#block-products th"))
    assert stray(opened) == []
    choose(opened, "subject", SELLER)
    opened.page.locator("#block-recency button.open").first.click()
    shown = opened.texts("#rows-table td.a")
    for name in (LONG, UNBROKEN, "שלום עולם"):
        assert name in shown
    assert stray(opened) == []
    assert opened.complaints == []


# -- every width, and paper --------------------------------------------------------------------------------------------


def stray(opened: Opened) -> list[str]:
    """What sticks out: of the window, of a chart, or of a cell that does not scroll."""
    found: list[str] = opened.page.evaluate(
        """() => {
            const out = [];
            const wide = document.documentElement.clientWidth;
            const page = document.documentElement.scrollWidth;
            if (page > wide) out.push(`page ${page} > ${wide}`);
            for (const one of document.querySelectorAll("main *, header *, dialog[open] *")) {
                if (one.closest(".scroll table") || one.closest("svg") || one.closest(".skip")) continue;
                const box = one.getBoundingClientRect();
                if (box.width && (box.right > wide + 1 || box.left < -1))
                    out.push(`${one.tagName}.${one.className} ${box.left}..${box.right}`);
            }
            for (const svg of document.querySelectorAll(".chart svg")) {
                const box = svg.getBoundingClientRect();
                for (const text of svg.querySelectorAll("text")) {
                    const at = text.getBoundingClientRect();
                    if (at.width && (at.right > box.right + 2 || at.left < box.left - 2 || at.bottom > box.bottom + 2))
                        out.push(`${svg.closest(".chart").getAttribute("aria-label")}: ${text.textContent}`);
                }
            }
            return out;
        }"""
    )
    return found


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_sticks_out_at_any_width(open_page: Open, pages: Pages, lang: str) -> None:
    for path in (pages.seller, pages.manager):
        for width in WIDTHS:
            opened = open_page(path, width=width, lang=lang)
            assert stray(opened) == [], (path.name, width)
            opened.page.close()


@pytest.mark.parametrize("lang", LANGS)
def test_on_paper_no_table_and_no_chart_is_cut(open_page: Open, pages: Pages, lang: str) -> None:
    for path in (pages.seller, pages.manager):
        opened = open_page(path, width=1280, lang=lang)
        page = opened.page
        page.set_viewport_size({"width": PAPER, "height": 1000})
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.wait_for_timeout(200)
        assert stray(opened) == []
        cut: list[str] = page.evaluate(
            """() => [...document.querySelectorAll(".scroll")].filter((one) => one.scrollWidth > one.clientWidth + 1
                || one.getBoundingClientRect().right > document.documentElement.clientWidth)
                .map((one) => `${one.getAttribute("aria-label")} ${one.scrollWidth} > ${one.clientWidth}`)"""
        )
        assert cut == []
        assert not page.locator(".top").is_visible()
        assert not page.locator(".contents").is_visible()
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
        assert 4 <= len(re.findall(rb"/Type ?/Page\\b(?!s)", pdf) or re.findall(rb"/Type /Page\n", pdf)) <= 20
        assert b"/MediaBox [0 0 594.95996 841.91998]" in pdf or b"/MediaBox [0 0 595" in pdf, "A4, upright"


# -- for everybody -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(open_page: Open, pages: Pages, lang: str, width: int) -> None:
    axe = Axe()
    for path in (pages.seller, pages.manager):
        opened = open_page(path, width=width, lang=lang)
        opened.page.click(".contents summary")
        assert_accessible(axe, opened, {"color-contrast", "button-name", "select-name", "html-has-lang"})
        opened.page.locator("section.block button.open").nth(3).click()
        opened.ready()
        # With an open list the rest of the page is out of reach.
        assert_accessible(
            axe, opened, {"color-contrast", "button-name"} if opened.page.locator("dialog[open]").count() else set()
        )


def assert_accessible(axe: Axe, opened: Opened, checked: set[str]) -> None:
    result = axe.run(
        opened.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert result.violations_count == 0, result.generate_report()
    passed = {one["id"] for one in result.response["passes"]}
    assert checked <= passed, "the rules were really run"
