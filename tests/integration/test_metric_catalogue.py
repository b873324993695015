"""Every figure of the metric catalogue is what its rows make of it, for all owners and months at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest

from orchestration.metrics.drilldown import detail_sql, detail_value_sql, figure_sql
from orchestration.metrics.registry import Metric, load_metrics, read_catalogue
from tests.support.metrics import ALSO_PER, Key, figure_values, values
from tests.support.warehouse import DemoWarehouse, demo_warehouse

CATALOGUE = read_catalogue()
FIGURES = [name for name, metric in CATALOGUE.items() if not metric.is_rate]
RATES = [name for name, metric in CATALOGUE.items() if metric.is_rate]

# Figures that the small demo company does not have, and why.
NOBODY_HAS = {
    "cycle_excluded_negative": "no customer of the last 84 days is an import with an older order",
    "moves_unordered": "every relationship has its place in the order",
    **{
        f"without_department_{measure}": "everybody who works has a department"
        for measure in ("activities", "orders", "sales_amount", "revenue_amount", "collected_amount")
    },
    **{
        f"{metric}_target{suffix}": "nobody has a target of it"
        for metric in ("interactions", "activities", "returns", "sales_amount", "collected_amount")
        for suffix in ("", "_actual")
    },
}
# Their rows do not make the figure: only whether there are any is looked at.
NO_AGGREGATE = {name for name in FIGURES if (value := CATALOGUE[name].detail_value) and value.function == "none"}


@dataclass(frozen=True)
class Difference:
    """One owner and month in which figure and rows disagree; None: that side has no row."""

    key: Key
    figure: object
    detail: object


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def connection(built: DemoWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built.database), read_only=True) as opened:
        yield opened


def detail_values(connection: duckdb.DuckDBPyConnection, metric: Metric) -> dict[Key, Any]:
    also_per = ALSO_PER.get(metric.name, ())
    return values(connection, detail_value_sql(metric, "marts", by=[there for _, there in also_per]))


def differences(connection: duckdb.DuckDBPyConnection, metric: Metric) -> list[Difference]:
    """Where the two sides disagree; a side without a row has nothing, which is 0."""
    figures, details = figure_values(connection, metric), detail_values(connection, metric)
    assert metric.detail is not None
    if metric.figure.date is not None and metric.detail.date is None:
        # The rows are as of only, and so the same for every month.
        details = {key: details.get((key[0], None, *key[2:])) for key in figures}
    keys = set(figures) | set(details)
    if metric.figure.mart == "kpi_target_attainment":
        # Who has no target has rows all the same.
        keys = set(figures)
    if metric.figure.mart == "kpi_department_reconciliation":
        # It has what no department has; the departments' rows are other metrics'.
        keys = {key for key in keys if key[0] in ("none", "unknown")}
    return [
        Difference(key, figures.get(key), details.get(key))
        for key in sorted(keys, key=str)
        if abs(float(figures.get(key) or 0) - float(details.get(key) or 0)) > 1e-9
    ]


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in NO_AGGREGATE])
def test_figure_is_what_its_rows_make(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert differences(connection, CATALOGUE[name]) == []


@pytest.mark.parametrize("name", sorted(NO_AGGREGATE))
def test_figure_has_rows(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    figures, rows = figure_values(connection, CATALOGUE[name]), detail_values(connection, CATALOGUE[name])
    assert {key for key, value in figures.items() if value} <= {key for key, count in rows.items() if count}


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_there_for_somebody(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    figures = figure_values(connection, CATALOGUE[name])
    assert any(figures.values()) != (name in NOBODY_HAS), NOBODY_HAS.get(name, "nobody has it in any month")


@pytest.mark.parametrize("name", RATES)
def test_rate_is_the_quotient_of_its_parts(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    rate = CATALOGUE[name]
    above, below = CATALOGUE[rate.numerator], CATALOGUE[rate.denominator]
    assert (above.figure.mart, above.figure.owner) == (rate.figure.mart, rate.figure.owner)
    assert (below.figure.mart, below.figure.owner) == (rate.figure.mart, rate.figure.owner)
    assert set(rate.figure.terms) >= {*above.figure.terms, *below.figure.terms}
    # Row by row, as the mart holds it.
    row_by_row = replace(rate, numerator="", denominator="")
    query = figure_sql(row_by_row, "marts", by=[above.measure, below.measure])
    rows = [row[2:] for row in connection.execute(query.sql, query.parameters).fetchall()]
    wrong = [
        (numerator, denominator, found)
        for numerator, denominator, found in rows
        if (found is None) != (not denominator or denominator < 0)
        or (found is not None and abs(found - float(numerator) / float(denominator)) > 1e-9)
    ]
    assert wrong == []
    assert any(found is not None for *_, found in rows) != bool({above.name, below.name} & set(NOBODY_HAS))


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("orders", {"detail_filter": "is_pending"}),
        ("tasks_late", {"detail_filter": "task_state = new"}),
        ("moves_forward", {"detail_filter": "moved_date in last 70 days and move_direction = forward"}),
        ("collected_amount", {"detail_owner_column": "customer_id"}),
        ("tasks_confirmed", {"detail_date_column": "created_date"}),
        ("customers_in_charge_current", {"detail_date_column": "created_month_date"}),
        ("stage_median_open_days", {"detail_value": "mean days_in_stage"}),
        ("department_orders", {"detail_owner_column": "creator_id.department_id"}),
        ("customer_orders", {"detail_owner_column": "manager_current_id"}),
        ("customer_orders_current", {"detail_owner_column": "manager_id"}),
        ("customers_assigned", {"detail_filter": "start_reason = first"}),
        ("department_then_orders", {"detail_owner_column": "creator_id.department_then_id"}),
        ("product_returned_quantity", {"detail_value": "sum sold_quantity"}),
        ("opportunity_customers", {"detail_filter": "is_open"}),
    ],
)
def test_a_wrong_drill_down_is_noticed(
    name: str, changed: dict[str, str], connection: duckdb.DuckDBPyConnection
) -> None:
    wrong = load_metrics([{**CATALOGUE[name].row, **changed}])[name]
    assert differences(connection, wrong) != []


def test_rows_of_one_owner_and_month_are_those_of_the_figure(connection: duckdb.DuckDBPyConnection) -> None:
    metric = CATALOGUE["orders"]
    (owner, month), orders = max(figure_values(connection, metric).items(), key=lambda item: int(item[1]))
    figure = figure_sql(metric, "marts", owner=owner, month=month)
    assert connection.execute(figure.sql, figure.parameters).fetchall() == [(owner, month, orders)]
    rows = detail_sql(metric, "marts", owner=owner, month=month, where={"order_type": "sale"})
    found = connection.execute(rows.sql, rows.parameters).df()
    assert len(found) == orders > 0
    assert set(found["executor_id"]) == {owner}
