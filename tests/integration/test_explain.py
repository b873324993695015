"""`kpi explain` over the demo company: every metric, its rows, and what a viewer may be told."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.metrics.drilldown import figure_sql
from orchestration.metrics.registry import Metric, read_catalogue
from orchestration.report.errors import PageError
from orchestration.report.explain import Explanation, explain, list_metrics
from orchestration.report.explain_terminal import write_rows
from orchestration.serving.publish import publish
from orchestration.serving.reading import open_publication
from tests.support.warehouse import DEMO_AS_OF, DemoWarehouse, demo_warehouse

MONTH = "2026-03"
CATALOGUE = read_catalogue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def marts(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explained") / "marts.duckdb"
    published_at = datetime(2026, 4, 1, 1, tzinfo=UTC)
    publish(built.database, path, {"as_of": DEMO_AS_OF, "source": "demo", "published_at": published_at})
    return path


@pytest.fixture(scope="module")
def reader(marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_publication(marts) as connection:
        yield connection


def one(reader: duckdb.DuckDBPyConnection, query: str, *values: object) -> str:
    row = reader.execute(query, list(values)).fetchone()
    assert row is not None, query
    return str(row[0])


@pytest.fixture(scope="module")
def seller(reader: duckdb.DuckDBPyConnection) -> str:
    """Who sold most in the month."""
    return one(
        reader,
        "select employee_id from marts.fct_funnel where month_date = ? and employee_id not in ('none', 'unknown') "
        "order by revenue_amount desc limit 1",
        date(2026, 3, 1),
    )


@pytest.fixture(scope="module")
def department(reader: duckdb.DuckDBPyConnection, seller: str) -> str:
    return one(reader, "select department_id from marts.dim_employees where employee_id = ?", seller)


def explained(marts: Path, metric: Metric, seller: str, department: str) -> Explanation:
    """The metric of the seller, or of the seller's department; narrowed to one member where it does not add up."""
    is_department = metric.figure.owner.name == "department_id"
    if metric.figure.mart == "kpi_department_reconciliation":
        department = "none"
    employee, of_department = (None, department) if is_department else (seller, None)
    only: dict[str, str] = {}
    while True:
        try:
            return explain(marts, metric.name, employee=employee, department=of_department, only=only)
        except PageError as error:
            # The error names the columns by which the figure can be narrowed.
            columns = error.hint.rsplit(": ", 1)[1].rstrip(".").split(", ")
        column = next(name for name in columns if name not in only)
        narrowed = "".join(f"and cast({name} as varchar) = ? " for name in only)
        with open_publication(marts) as connection:
            only[column] = one(
                connection,
                f"select cast({column} as varchar) from marts.{metric.figure.mart} "
                f"where {metric.figure.owner.column} = ? {narrowed}group by 1 order by count(*) desc, 1 limit 1",
                of_department or employee,
                *only.values(),
            )


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_figure_is_what_its_rows_come_to(name: str, marts: Path, seller: str, department: str) -> None:
    explanation = explained(marts, CATALOGUE[name], seller, department)
    assert [part.metric.name for part in explanation.parts if part.agrees is False] == []
    for part in explanation.parts:
        assert len(part.rows) == part.total_rows


def test_most_figures_of_the_best_seller_are_not_empty(marts: Path, seller: str, department: str) -> None:
    empty = [
        name
        for name, metric in CATALOGUE.items()
        if not any(part.total_rows for part in explained(marts, metric, seller, department).parts)
    ]
    assert len(empty) < len(CATALOGUE) / 4, empty


def test_a_figure_is_the_marts(marts: Path, reader: duckdb.DuckDBPyConnection, seller: str) -> None:
    (part,) = explain(marts, "revenue_amount", employee=seller, month=MONTH).parts
    found = reader.execute(
        "select revenue_amount from marts.fct_funnel where employee_id = ? and month_date = ?",
        [seller, date(2026, 3, 1)],
    ).fetchone()
    assert found == (part.value,)
    assert part.value
    assert part.from_rows == part.value


def test_a_rate_is_the_marts_too(marts: Path, reader: duckdb.DuckDBPyConnection, seller: str) -> None:
    explanation = explain(marts, "cohort_with_order_rate", employee=seller, month=MONTH)
    found = reader.execute(
        "select with_order_rate from marts.kpi_cohort_funnel where manager_id = ? and cohort_month_date = ?",
        [seller, date(2026, 3, 1)],
    ).fetchone()
    assert found == (explanation.rate,)
    assert [part.metric.name for part in explanation.parts] == ["cohort_with_order", "cohort_customers"]


def test_nothing_by_nothing_is_no_rate(marts: Path, reader: duckdb.DuckDBPyConnection) -> None:
    idle = one(
        reader,
        "select employee_id from marts.dim_employees where not is_placeholder "
        "and employee_id not in (select employee_id from marts.kpi_call_day) order by 1 limit 1",
    )
    explanation = explain(marts, "connected_rate", employee=idle, month=MONTH)
    assert (explanation.rate, [part.value for part in explanation.parts]) == (None, [0, 0])


def test_a_damaged_mart_is_noticed(marts: Path, seller: str, tmp_path: Path) -> None:
    damaged = tmp_path / "marts.duckdb"
    damaged.write_bytes(marts.read_bytes())
    with duckdb.connect(str(damaged)) as connection:
        connection.execute("update fct_funnel set orders = orders + 1 where employee_id = ?", [seller])
    (part,) = explain(damaged, "orders", employee=seller, month=MONTH).parts
    assert part.agrees is False
    assert part.value == (part.from_rows or 0) + 1


def test_narrowed_figures_add_up_to_the_whole(marts: Path, reader: duckdb.DuckDBPyConnection, seller: str) -> None:
    sources = reader.execute("select source_id from marts.dim_sources").fetchall()
    parts = [
        explain(marts, "source_orders_split", employee=seller, month=MONTH, only={"source_id": source}).parts[0]
        for (source,) in sources
    ]
    assert all(part.agrees for part in parts)
    assert (
        sum(part.value or 0 for part in parts) == explain(marts, "orders", employee=seller, month=MONTH).parts[0].value
    )


def test_the_rows_of_a_file_are_all_rows(marts: Path, seller: str, tmp_path: Path) -> None:
    explanation = explain(marts, "orders", employee=seller, month=MONTH)
    path = tmp_path / "rows.csv"
    assert write_rows(explanation, path) == explanation.parts[0].total_rows
    with path.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert len(written) == explanation.parts[0].total_rows
    assert sum(int(row["orders"]) for row in written) == explanation.parts[0].value


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_a_comparison_leads_from_the_figure_to_the_other(marts: Path, seller: str) -> None:
    explanation = explain(marts, "revenue_amount", employee=seller, month=MONTH)
    compared = {lines[-1].label_en: lines for lines in explanation.reconciliation}
    lines = compared["Revenue of my customers"]
    assert lines[0].value == explanation.parts[0].value
    assert sum(line.value for line in lines[:-1]) == lines[-1].value
    assert {line.kind for line in lines[1:-1]} == {"explains"}
    assert "Collected" in compared


def test_a_departments_comparison_is_its_own(marts: Path, department: str) -> None:
    explanation = explain(marts, "department_orders", department=department, month=MONTH)
    firsts = {lines[0].value for lines in explanation.reconciliation if lines[0].label_en != "Sum over the people"}
    assert firsts == {explanation.parts[0].value}


def test_every_figure_of_a_comparison_is_the_metric_it_is_said_to_be(reader: duckdb.DuckDBPyConnection) -> None:
    named = reader.execute(
        "select distinct figure_metric from marts.kpi_reconciliation where figure_metric is not null order by 1"
    ).fetchall()
    assert len(named) > 25
    wrong = []
    for (name,) in named:
        metric = CATALOGUE[name]
        query = figure_sql(metric, "marts")
        found = {row[:-1]: row[-1] for row in reader.execute(query.sql, list(query.parameters)).fetchall()}
        lines = reader.execute(
            "select case when department_id = 'none' then employee_id else department_id end, month_date, value "
            "from marts.kpi_reconciliation where figure_metric = ?",
            [name],
        ).fetchall()
        for owner, month, value in lines:
            at = (owner, month if metric.figure.date is not None else None)
            if found.get(at, 0) != value:
                wrong.append((name, *at, value, found.get(at)))
    assert wrong == []


# --- who may be told --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(reader: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Somebody who sees the own employee report and nobody else's: e-mail and id."""
    row = reader.execute(
        "select min(viewer_email), min(employee_id) from core.core_employee_scope where report = 'employee' "
        "group by viewer_id having count(distinct employee_id) = 1 order by 1 limit 1"
    ).fetchone()
    assert row is not None
    return str(row[0]), str(row[1])


def test_a_viewer_is_told_the_own_figure(marts: Path, alone: tuple[str, str]) -> None:
    email, employee = alone
    seen = explain(marts, "interactions", employee=employee, month=MONTH, viewer_email=email)
    every = explain(marts, "interactions", employee=employee, month=MONTH)
    assert seen.parts[0].value == every.parts[0].value
    assert seen.parts[0].rows == every.parts[0].rows


def test_somebody_unseen_and_nobody_at_all_give_the_same_answer(
    marts: Path, alone: tuple[str, str], seller: str
) -> None:
    email, employee = alone
    assert employee != seller
    messages = []
    for wanted in (seller, "NV999999"):
        with pytest.raises(PageError) as raised:
            explain(marts, "revenue_amount", employee=wanted, month=MONTH, viewer_email=email)
        messages.append((raised.value.message.replace(wanted, "…"), raised.value.hint))
    assert messages[0] == messages[1]


def test_every_viewer_is_told_own_rows_only(
    marts: Path, reader: duckdb.DuckDBPyConnection, alone: tuple[str, str]
) -> None:
    email, employee = alone
    own = {
        "orders": ("fct_orders", "executor_id"),
        "tasks_created": ("fct_tasks", "assignee_id"),
        "relationship_customers": ("dim_customer_cohort", "manager_id"),
    }
    for metric, (mart, owner) in own.items():
        (part,) = explain(marts, metric, employee=employee, viewer_email=email).parts
        at = part.columns.index(owner)
        assert {row[at] for row in part.rows} <= {employee}, mart


def test_a_department_is_told_to_its_viewers_only(marts: Path, alone: tuple[str, str], department: str) -> None:
    with pytest.raises(PageError, match="There is no department"):
        explain(marts, "department_orders", department=department, viewer_email=alone[0])
    assert explain(marts, "department_orders", department=department).parts[0].value


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "options", "message", "hint"),
    [
        ("revenue_amnt", {"employee": "x"}, "There is no metric 'revenue_amnt'", "Did you mean revenue_amount"),
        ("zzz", {"employee": "x"}, "There is no metric 'zzz'", "`kpi metrics` lists all"),
        ("orders", {}, "orders is a figure of one person", "--employee"),
        ("department_orders", {"employee": "x"}, "is a figure of a department", "--department"),
        ("department_orders", {"department": "Không có"}, "There is no department 'Không có'", "its id"),
        ("without_department_orders", {"department": "x"}, "belongs to no department", "--department none"),
        ("orders", {"employee": "nobody of this name"}, "nobody of this name", ""),
        ("orders", {"employee": "none", "month": "03-2026"}, "'03-2026' is no month", "2026-03"),
        ("relationship_customers", {"employee": "none", "month": "2026-03"}, "for no month", "Leave out --month"),
        ("orders", {"employee": "none", "only": {"colour": "red"}}, "cannot be narrowed by 'colour'", ""),
    ],
)
def test_what_cannot_be_explained_is_said(
    metric: str, options: dict[str, Any], message: str, hint: str, marts: Path
) -> None:
    with pytest.raises(PageError) as raised:
        explain(marts, metric, **options)
    assert message in raised.value.message
    assert hint in raised.value.hint


def test_the_list_has_every_metric(marts: Path) -> None:
    assert {metric.name for metric in list_metrics(marts)} == set(CATALOGUE)
