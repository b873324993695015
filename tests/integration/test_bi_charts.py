"""Every chart's own query, run on viewers' files, shows the figures that the catalogue finds in the access views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.bi.definition import Chart, Kind, is_department, read_dashboards
from orchestration.bi.exposures import marts_of
from orchestration.bi.queries import chart_sql, dataset_name, datasets, values_sql
from orchestration.metrics.drilldown import figure_sql
from orchestration.metrics.registry import Metric
from orchestration.report.labels import Lang
from orchestration.serving.export import export_viewer
from orchestration.serving.reading import open_publication
from tests.support.warehouse import DEMO_AS_OF

DASHBOARDS = read_dashboards()
SETS = {language: datasets(DASHBOARDS, language) for language in Lang}
BY_NAME = {f"{board.name}-{chart.name}": chart for board in DASHBOARDS for chart in board.charts}
FIGURES = [name for name, chart in BY_NAME.items() if chart.metrics]
ROWS = [name for name, chart in BY_NAME.items() if not chart.metrics]
MONTH = DEMO_AS_OF.replace(day=1)
HEAD, MEMBER = "vinh.nguyen@congty.example", "mai.do@congty.example"

Opened = tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module", params=[HEAD, MEMBER])
def opened(
    request: pytest.FixtureRequest, small_publication: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    """A viewer's own file, and the publication as the viewer sees it."""
    path = tmp_path_factory.mktemp("viewer") / "viewer.duckdb"
    export_viewer(small_publication, request.param, path)
    with (
        duckdb.connect(str(path), read_only=True) as file,
        open_publication(small_publication, request.param) as publication,
    ):
        yield file, publication


def result(
    file: duckdb.DuckDBPyConnection, chart: Chart, *conditions: str, language: Lang = Lang.EN
) -> list[dict[str, Any]]:
    limits = ["and is_running_month"] if chart.is_of_one_month else []
    cursor = file.execute(chart_sql(chart, SETS[language][dataset_name(chart.source)], [*limits, *conditions]))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def expected(publication: duckdb.DuckDBPyConnection, chart: Chart, metric: Metric) -> Counter[tuple[Any, Any]]:
    """The catalogue's figures by owner and month, of the months a chart shows."""
    found: Counter[tuple[Any, Any]] = Counter()
    query = figure_sql(metric, "access", "access_")
    for owner, month, value in publication.execute(query.sql, list(query.parameters)).fetchall():
        if month is None or (month <= MONTH if chart.kind is Kind.LINE else month == MONTH):
            found[owner, month] += value or 0
    return found


def same(left: Any, right: Any) -> bool:
    return Decimal(left or 0) == Decimal(right or 0)


@pytest.mark.parametrize("name", FIGURES)
def test_the_parts_of_a_chart_add_up_to_the_catalogues_figure(opened: Opened, name: str) -> None:
    file, publication = opened
    chart = BY_NAME[name]
    for metric in chart.metrics:
        rows = result(file, chart)
        if metric.is_rate:
            for row in rows:
                above, below = row[metric.numerator], row[metric.denominator]
                assert row[metric.name] == (pytest.approx(float(above) / float(below)) if below else None)
            continue
        figures = expected(publication, chart, metric)
        assert same(sum((Decimal(row[metric.name] or 0) for row in rows), Decimal(0)), sum(figures.values()))
        if chart.kind is Kind.LINE:
            by_month: Counter[str] = Counter()
            for (_, month), value in figures.items():
                by_month[f"{month:%Y-%m}"] += value
            shown = {row["month"]: row[metric.name] for row in rows}
            assert all(same(shown.get(month), value) for month, value in by_month.items())


@pytest.mark.parametrize("name", FIGURES)
def test_a_chart_of_one_owner_shows_that_owners_figure(opened: Opened, name: str) -> None:
    file, publication = opened
    chart = BY_NAME[name]
    of_department = is_department(chart.source)
    names: Mapping[str, str] = dict(
        publication.execute(
            "select department_id, department_name from access.access_dim_departments"
            if of_department
            else "select employee_id, full_name from access.access_dim_employees"
        ).fetchall()
    )
    assert len(set(names.values())) == len(names), "namesakes in the demo company: another test looks at those"
    metric = next(metric for metric in chart.metrics if not metric.is_rate)
    figures = expected(publication, chart, metric)
    by_owner: Counter[str] = Counter()
    for (owner, _), value in figures.items():
        by_owner[owner] += value
    column = "department" if of_department else "employee"
    for owner, value in by_owner.most_common(3):
        rows = result(file, chart, f"and {column} = '{names[owner]}'")
        assert same(sum((Decimal(row[metric.name] or 0) for row in rows), Decimal(0)), value)


def kept(row: Mapping[str, Any], chart: Chart) -> bool:
    """Whether a row of the mart belongs to the chart's month and is one of those its figure is limited to."""
    at = chart.source.date
    if at is not None and row[at.column.name].replace(day=1) != MONTH:
        return False
    tests = {"is": lambda value, _: value is True, "not": lambda value, _: value is False}
    tests["="] = lambda value, wanted: str(value) == wanted
    return all(tests[term.operator](row[term.column], term.value) for term in chart.source.terms)


@pytest.mark.parametrize("name", ROWS)
def test_rows_are_those_of_the_figure(opened: Opened, name: str) -> None:
    """The same rows as the access view's, chosen by Python; and where a figure is their sum, they add up to it."""
    file, publication = opened
    chart = BY_NAME[name]
    assert chart.rows_of is not None
    rows = result(file, chart)
    cursor = publication.execute(f"select * from access.access_{chart.source.mart}")
    names = [column[0] for column in cursor.description or []]
    mart = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    wanted = [row for row in mart if kept(row, chart)]
    plain = [column for column in chart.columns if column.column and not column.naming]
    assert Counter(tuple(row[column.name] for column in plain) for row in rows) == Counter(
        tuple(row[column.column] for column in plain) for row in wanted
    )
    value = chart.rows_of.detail_value
    if chart.source == chart.rows_of.detail and value is not None and value.column in {column.name for column in plain}:
        figures = expected(publication, chart, chart.rows_of)
        assert same(sum(row[value.column] or 0 for row in rows), sum(figures.values()))
    newest = [row[chart.newest] for row in rows if row[chart.newest] is not None]
    assert newest == sorted(newest, reverse=True)


@pytest.mark.parametrize("name", BY_NAME)
def test_both_languages_show_the_same_figures(opened: Opened, name: str) -> None:
    file, _ = opened
    chart = BY_NAME[name]
    names = [metric.name for metric in chart.metrics] or [
        column.name for column in chart.columns if column.type != "varchar"
    ]
    shown = [
        sorted([tuple(row[name] for name in names) for row in result(file, chart, language=language)], key=repr)
        for language in Lang
    ]
    assert shown[0] == shown[1]


def test_filters_offer_months_up_to_the_day_and_the_people_seen(opened: Opened) -> None:
    file, publication = opened
    months = [month for (month,) in file.execute(values_sql("month", Lang.EN)).fetchall()]
    assert months[0] == f"{MONTH:%Y-%m}"
    assert months == sorted(months, reverse=True)
    people = {name for (name,) in file.execute(values_sql("employee", Lang.EN)).fetchall()}
    seen = publication.execute("select full_name from access.access_dim_employees").fetchall()
    assert people == {name for (name,) in seen}


def test_namesakes_stay_two_people(small_publication: Path, tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    export_viewer(small_publication, HEAD, path)
    table = next(chart for board in DASHBOARDS for chart in board.charts if chart.name == "by_employee")
    with duckdb.connect(str(path)) as file:
        before = {row["employee"]: row["revenue_amount"] for row in result(file, table)}
        first, second = list(before)[:2]
        file.execute("update dim_employees set full_name = ? where full_name = ?", [first, second])
        after = {row["employee"]: row["revenue_amount"] for row in result(file, table)}
    assert len(after) == len(before)
    assert sorted(after.values()) == sorted(before.values())
    assert sum(name.startswith(f"{first} (") for name in after) == 2


def test_a_name_that_reads_like_anothers_name_with_a_key_stays_apart(small_publication: Path, tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    export_viewer(small_publication, HEAD, path)
    with duckdb.connect(str(path)) as file:
        (first, _), (second, _), (third, _) = file.execute(
            "select employee_id, full_name from dim_employees where not is_placeholder order by 1 limit 3"
        ).fetchall()
        for employee, name in ((first, "Lan"), (second, "Lan"), (third, f"Lan ({first})")):
            file.execute("update dim_employees set full_name = ? where employee_id = ?", [name, employee])
        names = [name for (name,) in file.execute(values_sql("employee", Lang.EN)).fetchall()]
    assert len(set(names)) == len(names)
    assert {f"Lan ({first})", f"Lan ({second})", f"Lan ({first}) ({third})"} <= set(names)


def test_none_and_unknown_are_in_the_readers_language(small_publication: Path, tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    export_viewer(small_publication, HEAD, path)
    chart = BY_NAME["kpi_customers-industries"]
    with duckdb.connect(str(path), read_only=True) as file:
        shown = {language: {row["industry"] for row in result(file, chart, language=language)} for language in Lang}
    assert "(none)" in shown[Lang.EN]
    assert "(không có)" in shown[Lang.VI]
    assert not {"(none)", "(unknown)"} & shown[Lang.VI]


def test_targets_say_their_unit(small_publication: Path, tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    export_viewer(small_publication, HEAD, path)
    with duckdb.connect(str(path), read_only=True) as file:
        shown = {row["metric"] for row in result(file, BY_NAME["kpi_sales-targets"])}
    assert len(shown) > 1
    assert shown <= {"New customers (customers)", "Revenue (currency)", "Late tasks (tasks)", "Orders (orders)"}


def test_rows_of_months_after_the_publications_are_in_no_chart(small_publication: Path, tmp_path: Path) -> None:
    path = tmp_path / "viewer.duckdb"
    export_viewer(small_publication, HEAD, path)
    line = next(chart for board in DASHBOARDS for chart in board.charts if chart.name == "revenue_by_month")
    with duckdb.connect(str(path)) as file:
        before = result(file, line)
        file.execute(
            "insert into fct_funnel select * replace (? as month_date) from fct_funnel limit 1",
            [date(DEMO_AS_OF.year + 1, 1, 1)],
        )
        assert result(file, line) == before


def test_exposures_name_every_table_a_dashboard_reads(opened: Opened) -> None:
    file, _ = opened
    tables = {name for (name,) in file.execute("select table_name from duckdb_tables()").fetchall()}
    for board in DASHBOARDS:
        assert set(marts_of(board)) <= tables
        assert {chart.source.mart for chart in board.charts} <= set(marts_of(board))
