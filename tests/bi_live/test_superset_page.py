"""The dashboards as people see them in a browser: every chart drawn, its figures right, no error, filters at work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from orchestration.bi.definition import EMPLOYEE, MONTH, Chart, Dashboard, Kind
from orchestration.bi.queries import Dataset, dataset_name
from tests.bi_live.browser import Opened, logged_in, opened
from tests.bi_live.conftest import MANAGER, SELLER, VIEWERS, Company, Imported
from tests.bi_live.test_superset import NEWEST, month_of, numbers_of, queried
from tests.page.conftest import browser
from tests.support.postgres import Server
from tests.support.postgres_company import log_in

__all__ = ["browser"]

SOMEBODY = "Phạm Hồng Diễm"
# As the page itself asks: with its cookie, and the token against forged requests.
_ASK = """async address => {
    const token = (await (await fetch("/api/v1/security/csrf_token/")).json()).result;
    const headers = {"Content-Type": "application/json", "X-CSRFToken": token};
    return (await fetch(address, {method: "POST", headers, body: "{}"})).status;
}"""


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures are kept: in the folder that KPI_PICTURES names, to be looked at."""
    named = os.environ.get("KPI_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(exist_ok=True, parents=True)
    return folder


@pytest.fixture(scope="module", params=VIEWERS)
def viewer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def window(browser: Browser, imported: Imported, viewer: str) -> Iterator[Page]:
    """A browser in which the viewer has logged in."""
    with logged_in(browser, imported.superset.url, imported.users[viewer]) as page:
        yield page


def figure(seen: Opened, number: int) -> str:
    """The number that stands in a chart."""
    return seen.page.locator(f"[data-test-chart-id='{number}'] .header-line").inner_text().strip()


def test_every_dashboard_is_drawn_without_an_error_and_with_the_viewers_figures(
    window: Page,
    viewer: str,
    imported: Imported,
    company: Company,
    postgres_server: Server,
    dashboards: tuple[Dashboard, ...],
    declared_datasets: Mapping[str, Dataset],
    pictures: Path,
) -> None:
    person = imported.people[viewer]
    api = imported.superset.log_in(imported.users[viewer])
    numbers = numbers_of(api, "chart")
    api.close()
    with log_in(postgres_server, company.target, company.keys[viewer]) as session:
        for dashboard in dashboards:
            seen = opened(window, person.address(dashboard.name))
            seen.wait_for(len(dashboard.charts) + 1)
            seen.picture(pictures / f"{person.slug}__{dashboard.name}.png")
            assert seen.troubles == [], dashboard.name
            assert seen.failures == [], dashboard.name
            for chart in dashboard.charts:
                number = numbers[person.uuid("chart", f"{dashboard.name}/{chart.name}")]
                expected = queried(chart, declared_datasets[dataset_name(chart.source)], session, month_of(chart))
                check_chart(seen, chart, number, expected)
            seen.close()


def check_chart(seen: Opened, chart: Chart, number: int, expected: list[tuple[object, ...]]) -> None:
    """What the page got and shows is what the viewer's own query says."""
    rows = seen.answers[number]
    if chart.kind is Kind.NUMBER:
        [[wanted]] = expected
        shown = "N/A" if wanted is None else f"{round(float(str(wanted))):,}"
        assert figure(seen, number) == shown, chart.name
    elif chart.kind is Kind.TABLE:
        first = chart.columns[0].name
        assert {row[first] for row in rows} == {row[0] for row in expected}, chart.name
        total = sum(float(str(row[len(chart.columns)] or 0)) for row in expected)
        found = sum(float(row[chart.metrics[0].name] or 0) for row in rows)
        assert found == pytest.approx(total, abs=0.01), chart.name
    else:
        # The page may draw its first page of rows, its first bars, or also months without a row.
        assert bool(rows) == bool(expected), chart.name


def test_the_rows_behind_a_chart_are_the_viewers_own(
    browser: Browser, imported: Imported, dashboards: tuple[Dashboard, ...]
) -> None:
    [funnel] = [dashboard for dashboard in dashboards if dashboard.name == "kpi_funnel"]
    admin = imported.superset.log_in()
    datasets_there = numbers_of(admin, "dataset")
    admin.close()
    person = imported.people[MANAGER]
    with logged_in(browser, imported.superset.url, imported.users[MANAGER]) as page:
        seen = opened(page, person.address("kpi_funnel"))
        seen.wait_for(len(funnel.charts) + 1)
        with page.expect_response(lambda response: "/datasource/samples" in response.url) as answered:
            seen.drill("Trong tháng theo nhân viên")
        rows = answered.value.json()["result"]["data"]
        assert {row[MONTH] for row in rows} == {NEWEST}
        assert SOMEBODY in {row[EMPLOYEE] for row in rows}
        for email, status in ((MANAGER, 200), (SELLER, 403)):
            number = datasets_there[imported.people[email].uuid("dataset", "fct_funnel")]
            address = f"/datasource/samples?force=false&datasource_type=table&datasource_id={number}&per_page=5&page=1"
            assert page.evaluate(_ASK, address) == status


def test_a_filter_and_a_click_narrow_the_page(
    browser: Browser,
    imported: Imported,
    company: Company,
    postgres_server: Server,
    dashboards: tuple[Dashboard, ...],
    declared_datasets: Mapping[str, Dataset],
) -> None:
    person = imported.people[MANAGER]
    [funnel] = [dashboard for dashboard in dashboards if dashboard.name == "kpi_funnel"]
    [orders] = [chart for chart in funnel.charts if chart.name == "orders"]
    [table] = [chart for chart in funnel.charts if chart.name == "by_employee"]
    api = imported.superset.log_in(imported.users[MANAGER])
    numbers = numbers_of(api, "chart")
    api.close()
    number, of_table = (numbers[person.uuid("chart", f"kpi_funnel/{chart.name}")] for chart in (orders, table))
    dataset = declared_datasets[dataset_name(orders.source)]
    with log_in(postgres_server, company.target, company.keys[MANAGER]) as session:
        [[everybody]] = queried(orders, dataset, session, month_of(orders))
        [[one]] = queried(orders, dataset, session, month_of(orders) | {EMPLOYEE: SOMEBODY})
    assert 0 < one < everybody
    with logged_in(browser, imported.superset.url, imported.users[MANAGER]) as page:
        seen = opened(page, person.address("kpi_funnel"))
        seen.wait_for(len(funnel.charts) + 1)
        assert figure(seen, number) == f"{everybody:,.0f}"
        page.locator(f"[data-test-chart-id='{of_table}'] td", has_text=SOMEBODY).first.click()
        seen.wait_for_figure(number, f"{one:,.0f}")
        page.reload()
        seen.wait_for(len(funnel.charts) + 1)
        seen.choose("Nhân viên", SOMEBODY)
        seen.wait_for_figure(number, f"{one:,.0f}")
        assert seen.troubles == []
