"""MetricFlow computes every metric of the catalogue as its mart has it, for all owners and months."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from metricflow.data_table.mf_table import MetricFlowDataTable
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlClient, SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.sql_plan_renderer import SqlPlanRenderer
from metricflow_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from metricflow_semantics.sql.sql_bind_parameters import SqlBindParameterSet

from orchestration.metrics.registry import Metric, read_catalogue
from tests.support.metrics import ALSO_PER, Key, figure_values
from tests.support.warehouse import DemoWarehouse, demo_warehouse, warehouse_settings

CATALOGUE = read_catalogue()

_NOTHING_BOUND = SqlBindParameterSet()

# How the semantic layer calls the other columns of a figure that is one per other columns too.
ALSO_BY = {
    "campaign_id": "campaign",
    "age_band": "fct_customer_persons__age_band",
    "metric": "kpi_target_attainment__metric",
    "product_id": "product",
    "relationship_id": "relationship",
    "source_id": "source",
}
# The department of who executed the order: this number of customers comes from the orders themselves.
OWNER_BY = {"department_ordering_customers": "employee__department_id"}


class _Sql(SqlClient):
    """What MetricFlow has to know of the engine to write SQL; the tests run it themselves."""

    @property
    def sql_engine_type(self) -> SqlEngine:
        return SqlEngine.DUCKDB

    @property
    def sql_plan_renderer(self) -> SqlPlanRenderer:
        return DuckDbSqlPlanRenderer()

    def query(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NOTHING_BOUND) -> MetricFlowDataTable:
        raise NotImplementedError

    def execute(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NOTHING_BOUND) -> None:
        raise NotImplementedError

    def dry_run(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NOTHING_BOUND) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        raise NotImplementedError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def connection(built: DemoWarehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built.database), read_only=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def manifest_text(built: DemoWarehouse) -> str:
    """The semantic manifest that the warehouse's own dbt run left."""
    path: Path = warehouse_settings(built.home).warehouse_dir / "target" / "semantic_manifest.json"
    return path.read_text(encoding="utf-8")


def engine_of(manifest_text: str) -> MetricFlowEngine:
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=manifest_text)
    return MetricFlowEngine(semantic_manifest_lookup=SemanticManifestLookup(manifest), sql_client=_Sql())


@pytest.fixture(scope="module")
def engine(manifest_text: str) -> MetricFlowEngine:
    return engine_of(manifest_text)


def grouping(metric: Metric) -> tuple[str, ...]:
    """What a metric is asked by, so that it can be compared with its mart: owner, month, another column."""
    owner = "department" if metric.figure.owner.column == "department_id" else "employee"
    by = [OWNER_BY.get(metric.name, owner)]
    if metric.figure.date is not None:
        by.append("metric_time__month")
    also_per = ALSO_PER.get(metric.numerator or metric.name, ())
    return (*by, *(ALSO_BY[there] for _, there in also_per))


# One query for all metrics of one mart with the same grouping.
QUERIES: Mapping[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
for catalogued in CATALOGUE.values():
    QUERIES[(catalogued.figure.mart, grouping(catalogued))].append(catalogued.name)


def computed(
    engine: MetricFlowEngine, connection: duckdb.DuckDBPyConnection, names: Sequence[str], by: tuple[str, ...]
) -> dict[str, dict[Key, Any]]:
    """MetricFlow's values by metric, then by (owner, month or None, another column)."""
    request = MetricFlowQueryRequest.create(metric_names=names, group_by_names=by)
    cursor = connection.execute(engine.explain(request).sql_statement.sql)
    columns = [column for column, *_ in cursor.description]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    found: dict[str, dict[Key, Any]] = {name: {} for name in names}
    for row in rows:
        month = row.get("metric_time__month")
        also = [row[column] for column in by[1:] if column != "metric_time__month"]
        key = (row[by[0]], month.date() if month else None, *also)
        for name in names:
            assert key not in found[name], f"{name}: two rows for {key}"
            found[name][key] = row[name]
    return found


def expected(connection: duckdb.DuckDBPyConnection, metric: Metric) -> dict[Key, Any]:
    """The mart's values; of a rate the quotient of its parts, null where there is nothing to divide by."""
    if not metric.is_rate:
        return figure_values(connection, metric)
    above = figure_values(connection, CATALOGUE[metric.numerator])
    below = figure_values(connection, CATALOGUE[metric.denominator])
    return {key: float(above.get(key) or 0) / float(value) for key, value in below.items() if value}


def differences(
    found: Mapping[Key, Any], wanted: Mapping[Key, Any], nothing: float | None
) -> dict[Key, tuple[Any, Any]]:
    """Keys with another value; `nothing` is what no value means: 0 for a figure, null for a rate."""
    different = {}
    for key in set(found) | set(wanted):
        one, other = (nothing if side.get(key) is None else float(side[key]) for side in (found, wanted))
        if (one is None) != (other is None) or (one is not None and other is not None and abs(one - other) > 1e-6):
            different[key] = (one, other)
    return different


def test_the_semantic_manifest_is_valid(manifest_text: str) -> None:
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=manifest_text)
    results = SemanticManifestValidator().validate_semantic_manifest(manifest)
    found = [issue.message for issue in (*results.errors, *results.future_errors, *results.warnings)]
    assert found == []


def test_metrics_are_those_of_the_catalogue(manifest_text: str) -> None:
    metrics = {metric["name"]: metric for metric in json.loads(manifest_text)["metrics"]}
    assert set(metrics) == set(CATALOGUE)
    for name, metric in CATALOGUE.items():
        assert (metrics[name]["label"], metrics[name]["description"]) == (metric.label_en, metric.formula)


@pytest.mark.parametrize(("mart", "by"), sorted(QUERIES))
def test_metrics_are_their_marts_figures(
    mart: str, by: tuple[str, ...], engine: MetricFlowEngine, connection: duckdb.DuckDBPyConnection
) -> None:
    names = QUERIES[(mart, by)]
    found = computed(engine, connection, names, by)
    wrong = {
        name: differences(found[name], expected(connection, CATALOGUE[name]), None if CATALOGUE[name].is_rate else 0.0)
        for name in names
    }
    assert {name: different for name, different in wrong.items() if different} == {}


def test_a_stock_is_not_added_up_over_months(engine: MetricFlowEngine, connection: duckdb.DuckDBPyConnection) -> None:
    found = computed(engine, connection, ["customers_in_charge", "journey_customers"], ("employee",))
    in_charge = figure_values(connection, CATALOGUE["customers_in_charge"])
    last = max(month for _, month in in_charge)
    wanted = {(owner, None): value for (owner, month), value in in_charge.items() if month == last}
    assert sum(wanted.values()) > 0
    assert differences(found["customers_in_charge"], wanted, 0.0) == {}
    assert differences(found["journey_customers"], wanted, 0.0) == {}


def test_figures_of_several_marts_are_one_question(
    engine: MetricFlowEngine, connection: duckdb.DuckDBPyConnection
) -> None:
    names = ["revenue_amount", "calls", "tasks_late", "connected_rate"]
    by = ("employee", "metric_time__month")
    found = computed(engine, connection, names, by)
    for name in names:
        nothing = None if CATALOGUE[name].is_rate else 0.0
        assert differences(found[name], expected(connection, CATALOGUE[name]), nothing) == {}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("revenue_amount", '"expr": "revenue_amount"', '"expr": "sales_amount"'),
        ("product_orders", "order_type = 'sale'", "order_type = 'return'"),
        ("interacted_customers_call", '"agg": "count_distinct"', '"agg": "count"'),
        ("connected_rate", '"expr": "calls_connected"', '"expr": "calls_missed"'),
    ],
)
def test_a_wrong_measure_is_noticed(
    name: str, old: str, new: str, manifest_text: str, connection: duckdb.DuckDBPyConnection
) -> None:
    text = json.dumps(json.loads(manifest_text))
    assert old in text
    found = computed(engine_of(text.replace(old, new)), connection, [name], grouping(CATALOGUE[name]))
    nothing = None if CATALOGUE[name].is_rate else 0.0
    assert differences(found[name], expected(connection, CATALOGUE[name]), nothing) != {}
