"""Frozen months over a real warehouse and real dbt runs: what is frozen, who sees it, and that dbt reads the files.

What a later night changes, and by how much, is in `tests/properties/test_frozen_months.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from orchestration.freezing.figures import PublicationFacts, copy_month, read_listed, rows_query
from orchestration.freezing.freeze import freeze_month
from orchestration.freezing.store import FrozenStore
from orchestration.metrics.registry import read_catalogue
from orchestration.serving.errors import ExportError
from orchestration.serving.export import export_viewer
from orchestration.settings import Settings
from tests.support.frozen import build_frozen, publish_warehouse
from tests.support.warehouse import (
    DEMO_AS_OF,
    DbtRun,
    DemoWarehouse,
    copy_warehouse,
    demo_warehouse,
    warehouse_settings,
)

MARCH = date(2026, 3, 1)
FROZEN_MARTS = ("kpi_month_figures", "kpi_monthly_snapshot", "kpi_restatement")


@dataclass(frozen=True)
class FrozenMarch:
    """March frozen from a publication; then one of its orders changed by `amount`, and dbt built what follows."""

    settings: Settings
    before: dict[str, bytes]
    order_id: str
    executor_id: str
    department_id: str
    amount: Decimal
    run: DbtRun


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> DemoWarehouse:
    return demo_warehouse(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def march(built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> FrozenMarch:
    home = tmp_path_factory.mktemp("frozen_march")
    settings = warehouse_settings(home).model_copy(update={"source": "demo"})
    copy_warehouse(built, home)
    settings.landing_dir.symlink_to(built.landing.root)
    batches = [f"{batch.entity}/{batch.batch_id}" for batch in built.landing.visible("demo", DEMO_AS_OF)]
    publish_warehouse(settings, batches)
    frozen = freeze_month(settings, MARCH)
    assert (frozen.is_new, frozen.was_late) == (True, False)
    amount = Decimal("1234.56")
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        [(order_id, executor, department)] = connection.execute(
            "select order_id, executor_id, department_id from marts.fct_orders "
            "inner join marts.dim_employees on executor_id = employee_id "
            "where month_date = ? and is_counted and revenue_amount > 0 and department_id != 'none' "
            "and executor_id not in ('none', 'unknown') order by order_id limit 1",
            [MARCH],
        ).fetchall()
        connection.execute(
            "update marts.fct_orders set revenue_amount = revenue_amount + ? where order_id = ?", [amount, order_id]
        )
    run = build_frozen(settings)
    publish_warehouse(settings, batches)
    folder = settings.frozen_dir / frozen.version.name
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    return FrozenMarch(settings, before, order_id, executor, department, amount, run)


@pytest.fixture
def warehouse(march: FrozenMarch) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(march.settings.warehouse_path), read_only=True) as connection:
        yield connection


def test_dbt_reads_the_frozen_files_and_its_tests_hold(
    march: FrozenMarch, warehouse: duckdb.DuckDBPyConnection
) -> None:
    assert march.run.bad() == []
    assert march.run.node("restatement_rows_add_up").status == "pass"
    version = FrozenStore(march.settings.frozen_dir).versions()[0]
    found = warehouse.execute("from marts.kpi_monthly_snapshot").to_arrow_table()
    assert found.num_rows == version.file("figures.parquet").rows
    assert march.run.node("kpi_monthly_snapshot").status == "success"


def test_an_order_of_a_frozen_month_is_restated_by_its_change(
    march: FrozenMarch, warehouse: duckdb.DuckDBPyConnection
) -> None:
    restated = warehouse.execute(
        "select subject_level, subject_id, difference_value from marts.kpi_restatement "
        "where metric = 'revenue_amount' and difference_value != 0 order by 1"
    ).fetchall()
    assert restated == [
        ("company", "all", march.amount),
        ("department", march.department_id, march.amount),
        ("employee", march.executor_id, march.amount),
    ]
    moved = warehouse.execute(
        "select distinct employee_id, detail_mart, detail_key, change_kind, difference_value "
        "from marts.fct_restatement_rows"
    ).fetchall()
    assert moved == [(march.executor_id, "fct_orders", march.order_id, "changed", march.amount)]
    folder = march.settings.frozen_dir / "2026-03" / "v1"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == march.before


def test_snapshot_figures_are_what_pandas_makes_of_the_marts(built: DemoWarehouse, march: FrozenMarch) -> None:
    """From the detail marts, by other means than the models and the catalogue."""
    with duckdb.connect(str(built.database), read_only=True) as connection:
        tables = {
            name: connection.execute(f"from marts.{name}").df()
            for name in (
                "fct_orders",
                "fct_payments",
                "fct_tasks",
                "fct_interactions",
                "dim_employees",
                "fct_customer_owners",
            )
        }
        new = connection.execute(
            "select distinct customer_id, employee_id, month_date from marts.fct_new_customer_sources"
        ).df()
    people = tables["dim_employees"]
    departments = dict(zip(people["employee_id"].map(str), people["department_id"].map(str), strict=True))
    month = pd.Timestamp(MARCH)

    def of_month(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[pd.to_datetime(frame["month_date"]) == month]

    orders, payments, tasks = (of_month(tables[name]) for name in ("fct_orders", "fct_payments", "fct_tasks"))
    interactions, new = of_month(tables["fct_interactions"]), of_month(new)
    owners = tables["fct_customer_owners"]
    end = pd.Timestamp(2026, 4, 1)
    in_charge = owners[
        (owners["valid_from_at"] < end) & (owners["valid_to_at"].isna() | (owners["valid_to_at"] >= end))
    ]
    calls = interactions[interactions["interaction_type"] == "call"]
    parts = {
        "orders": orders.groupby("executor_id")["orders"].sum(),
        "returns": orders.groupby("executor_id")["returns"].sum(),
        "sales_amount": orders.groupby("executor_id")["sales_amount"].sum(),
        "revenue_amount": orders.groupby("executor_id")["revenue_amount"].sum(),
        "collected_amount": payments.groupby("executor_id")["collected_amount"].sum(),
        "interactions": interactions.groupby("employee_id")["interactions"].sum(),
        "calls": calls.groupby("employee_id").size(),
        "calls_connected": calls[calls["outcome"] == "answered"].groupby("employee_id").size(),
        "activities": tasks.groupby("assignee_id").size(),
        "tasks_late": tasks[tasks["is_late"]].groupby("assignee_id").size(),
        "tasks_completed": tasks[tasks["task_state"] == "completed"].groupby("assignee_id").size(),
        "tasks_completed_late": tasks[tasks["is_completed_late"]].groupby("assignee_id").size(),
        **{
            f"tasks_{state}": tasks[tasks["task_state"] == state].groupby("assignee_id").size()
            for state in ("new", "in_progress", "awaiting_confirmation", "cancelled")
        },
        "new_customers": new.groupby("employee_id").size(),
        "customers_in_charge": in_charge.groupby("manager_id").size(),
    }
    expected: dict[tuple[str, str, str], float] = {}
    for metric, by_employee in parts.items():
        expected[metric, "company", "all"] = float(by_employee.sum())
        for employee, value in by_employee.items():
            expected[metric, "employee", str(employee)] = float(value)
            key = (metric, "department", departments[str(employee)])
            expected[key] = expected.get(key, 0.0) + float(value)
    for level, subject in {(level, subject) for metric, level, subject in expected if metric == "calls"}:
        answered = expected.get(("calls_connected", level, subject), 0.0)
        expected["connected_rate", level, subject] = answered / expected["calls", level, subject]
    version = FrozenStore(march.settings.frozen_dir).versions()[0]
    figures = pd.read_parquet(march.settings.frozen_dir / version.name / "figures.parquet")
    found = {
        (str(metric), str(level), str(subject)): float(value)
        for metric, level, subject, value in figures[["metric", "subject_level", "subject_id", "value"]].itertuples(
            index=False, name=None
        )
    }
    # A row of 0 stands for its target, or for the company.
    different = {
        key: (found.get(key), expected.get(key))
        for key in found.keys() | expected.keys()
        if abs(found.get(key, 0.0) - expected.get(key, 0.0)) > 1e-6
    }
    assert different == {}
    assert len({metric for metric, *_ in found}) == len(read_listed()) == 19
    assert sum(figures["target_value"].notna()) > 10


def test_every_listed_metric_is_restated_from_the_rows_that_were_frozen(march: FrozenMarch) -> None:
    """The rows that a freeze takes from the catalogue are those that the models compare with, for every metric."""
    version = FrozenStore(march.settings.frozen_dir).versions()[0]
    assert version.metrics == tuple(sorted(listed.metric for listed in read_listed()))
    with duckdb.connect(str(march.settings.warehouse_path), read_only=True) as connection:
        compiled = (
            march.settings.warehouse_dir / "target" / "compiled" / "kpi_warehouse" / "models" / "marts" / "frozen"
        )
        sql = (compiled / "fct_restatement_rows.sql").read_text(encoding="utf-8")
        behind = (
            sql[sql.index("rows_now as (") + len("rows_now as (") : sql.index("placed_rows_now as (")]
            .rstrip()
            .rstrip(",")[:-1]
        )
        metrics = ", ".join(f"(date '2026-03-01', '{name}')" for name in version.metrics)
        query = rows_query(read_catalogue(), read_listed(), MARCH)
        scope = f"with moved_metrics as (select * from (values {metrics}) as scope (month_date, metric))"
        by_models = connection.execute(
            f"{scope} select metric, employee_id, detail_mart, detail_key, value from ({behind}) order by all"
        ).fetchall()
        by_catalogue = connection.execute(
            f"select metric, owner, detail_mart, detail_key, value from ({query.sql}) order by all", query.parameters
        ).fetchall()
    assert by_models == by_catalogue
    assert {row[0] for row in by_models} == set(version.metrics) - {"connected_rate"}


def scopes(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Employees through the employee report and departments through the department report, by viewer."""
    found: list[dict[str, set[str]]] = []
    for owner in ("employee", "department"):
        granted: dict[str, set[str]] = {}
        rows = connection.execute(
            f"select viewer_email, {owner}_id from core.core_{owner}_scope where report = '{owner}'"
        ).fetchall()
        for email, subject in rows:
            granted.setdefault(email, set()).add(subject)
        found.append(granted)
    return found[0], found[1]


@pytest.mark.parametrize("mart", FROZEN_MARTS)
def test_every_viewer_sees_own_people_own_departments_and_the_company_with_view_all(
    mart: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    query = "select subject_level, subject_id, count(*) from {} group by all"
    everything = warehouse.execute(query.format(f"marts.{mart}")).fetchall()
    people, departments = scopes(warehouse)
    shown: set[frozenset[str]] = set()
    for viewer in people.keys() | departments.keys():
        allowed = {"employee": people.get(viewer, set()), "department": departments.get(viewer, set())}
        allowed["company"] = {"all"} if "unknown" in allowed["employee"] else set()
        warehouse.execute("set variable kpi_viewer = ?", [viewer.upper()])
        seen = warehouse.execute(query.format(f"access.access_{mart}")).fetchall()
        assert sorted(seen) == sorted(row for row in everything if row[1] in allowed[row[0]]), viewer
        shown.add(frozenset(row[0] for row in seen))
    assert frozenset({"employee", "department", "company"}) in shown
    assert frozenset({"employee"}) in shown or mart == "kpi_restatement"
    warehouse.execute("set variable kpi_viewer = ?", ["khong-co@vi-du.vn"])
    assert warehouse.execute(f"from access.access_{mart}").fetchall() == []


def test_peers_do_not_see_each_others_frozen_rows(march: FrozenMarch, warehouse: duckdb.DuckDBPyConnection) -> None:
    people, _ = scopes(warehouse)
    seers = {viewer for viewer, seen in people.items() if march.executor_id in seen}
    assert 0 < len(seers) < len(people)
    for viewer in people:
        warehouse.execute("set variable kpi_viewer = ?", [viewer])
        rows = warehouse.execute("from access.access_fct_restatement_rows").fetchall()
        assert bool(rows) == (viewer in seers), viewer


def test_an_export_holds_the_viewers_frozen_rows_and_refuses_others(
    march: FrozenMarch, warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    people, _ = scopes(warehouse)
    viewer = min(people, key=lambda name: (len(people[name]), name))
    written = export_viewer(march.settings.marts_path, viewer, tmp_path / "viewer.duckdb")
    assert written.rows["kpi_monthly_snapshot"] > 0
    leaky = tmp_path / "leaky.duckdb"
    leaky.write_bytes(march.settings.marts_path.read_bytes())
    with duckdb.connect(str(leaky)) as connection:
        connection.execute(
            "create or replace view access.access_kpi_monthly_snapshot as "
            "select * from main.kpi_monthly_snapshot where subject_level = 'company'"
        )
    with pytest.raises(ExportError, match=r"kpi_monthly_snapshot: .* outside the scope"):
        export_viewer(leaky, viewer, tmp_path / "leak.duckdb")


def test_a_copy_says_what_it_was_made_from(march: FrozenMarch) -> None:
    copy = copy_month(march.settings.marts_path, MARCH, 2)
    assert isinstance(copy.facts, PublicationFacts)
    version = FrozenStore(march.settings.frozen_dir).versions()[0]
    assert copy.facts.batches == version.batches
    batches: Any = dict(zip(copy.figures["metric"].to_pylist(), copy.figures["input_batches"].to_pylist(), strict=True))
    assert batches["revenue_amount"] == "order_lines/2026-03-31.1 orders/2026-03-31.1"
    assert batches["tasks_late"] == "tasks/2026-03-31.1"
