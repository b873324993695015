"""The marts of `models/marts/reconciliation/` against their oracle, and the oracle against broken rules.

Belongs here: comparisons, the cases the demo company must hold, and what is broken. Not here: the figures themselves
(`reconciliation.py`).

In the nights that the demo company lands one by one nobody changes departments: here one seller does, in a copy.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from orchestration.dbt_run import dbt_environment
from orchestration.landing.index import write_index
from orchestration.landing.ingest import ingest_night
from orchestration.landing.store import Landing
from orchestration.settings import PROJECT_DIR
from orchestration.sources.base import RawTable
from orchestration.sources.demo import DemoSource
from tests.oracle import reconciliation
from tests.oracle.oracle import NONE, Company, company
from tests.oracle.reading import differences, landed_batches, mart
from tests.support.warehouse import DbtRun, DemoWarehouse, demo_source, run_dbt, warehouse_settings

MOVED_AT = datetime(2026, 2, 11, 15, 0)
# What a move of an employee changes; staging too, because a copy's still reads the original.
MOVED_MODELS = (
    "path:models/staging",
    "core_employees",
    "core_employees_history",
    "core_department_memberships",
    "core_employee_departments",
    "dim_employees",
    "kpi_department_month",
    "dim_employee_department_history",
    "fct_employee_departments",
    "kpi_reconciliation",
)


@dataclass(frozen=True)
class _OneMoves:
    """The demo company, except that one seller stands in another department since MOVED_AT."""

    source: DemoSource
    employee: str
    department: str

    @property
    def name(self) -> str:
        return self.source.name

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        raw = self.source.read(entity, night, complete)
        assert raw is not None
        table = raw.table
        is_moved = pc.equal(table["employee_id"], self.employee)
        for column, value in (("department_id", self.department), ("updated_at", MOVED_AT)):
            place = table.schema.get_field_index(column)
            given = pa.scalar(value, type=table.schema.field(column).type)
            table = table.set_column(place, column, pc.if_else(is_moved, given, table[column]))
        return replace(raw, table=table)


@dataclass(frozen=True)
class Moved:
    """A company of whom one seller moved, and its home."""

    home: Path
    company: Company

    @property
    def database(self) -> Path:
        return warehouse_settings(self.home).warehouse_path


def rebuild(home: Path, project: Path, as_of: date, *options: str) -> DbtRun:
    """What a move changes, built anew from what has landed in `home`."""
    settings = warehouse_settings(home)
    write_index(Landing(settings.landing_dir), "demo", as_of, settings.warehouse_dir)
    return run_dbt(
        project,
        ["build", "--select", *MOVED_MODELS, "--exclude-resource-type", "unit_test", *options],
        dbt_environment(settings, as_of),
        settings.warehouse_dir / "target",
    )


@pytest.fixture(scope="module")
def moved(built: DemoWarehouse, demo_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    home = tmp_path_factory.mktemp("moved") / "home"
    shutil.copytree(built.home, home, ignore=shutil.ignore_patterns("target", "logs"))
    sold = [
        sale for sale in reconciliation.sales(demo_company) if sale.orders and sale.executor in demo_company.workplaces
    ]
    seller = max({sale.executor for sale in sold}, key=lambda who: sum(sale.executor == who for sale in sold))
    (_, left) = demo_company.workplaces[seller][-1]
    others = sorted({demo_company.workplaces[sale.executor][-1][1] for sale in sold} - {left, NONE})
    landing = Landing(warehouse_settings(home).landing_dir)
    source = _OneMoves(demo_source(), seller, others[0])
    (landed,) = ingest_night(landing, source, built.as_of, warehouse_settings(home).zone, ["employees"])
    assert landed.rows_quarantined == 0
    run = rebuild(home, PROJECT_DIR / "dbt_project", built.as_of, "--indirect-selection", "cautious")
    assert run.bad() == []
    assert run.node("reconciliation_lines_add_up").status == "pass"
    return Moved(home, company(landed_batches(landing, "demo", built.as_of), built.as_of))


def found(database: Path, name: str) -> pd.DataFrame:
    rows = mart(database, name)
    return rows.drop(columns=[column for column in rows.columns if column in reconciliation.NOT_COMPARED])


@pytest.mark.parametrize("name", reconciliation.MARTS)
def test_mart_equals_the_oracle(name: str, built: DemoWarehouse, demo_company: Company) -> None:
    key, compute = reconciliation.MARTS[name]
    expected = compute(demo_company)
    assert len(expected) >= (10 if name == "fct_employee_departments" else 500)
    assert differences(expected, found(built.database, name), key) == []


@pytest.mark.parametrize("name", ["fct_employee_departments", "kpi_reconciliation"])
def test_mart_equals_the_oracle_when_somebody_moved(name: str, moved: Moved) -> None:
    key, compute = reconciliation.MARTS[name]
    assert differences(compute(moved.company), found(moved.database, name), key) == []


def test_every_comparison_adds_up_in_the_oracle_too(moved: Moved) -> None:
    rows = reconciliation.reconciliation(moved.company)
    signed = rows.value.where(rows.line_kind != "figure_to", -rows.value)
    comparison = [
        rows[column].astype(str) for column in ("topic", "metric", "month_date", "employee_id", "department_id")
    ]
    assert set(signed.groupby(comparison).sum()) == {0}


# Lines that a small company in good order may leave empty; the model's unit tests have them all.
RARE = frozenset(
    {
        "sold_to_deleted_customers",
        "sold_to_unknown_customers",
        "sold_by_people_without_department",
        "on_card_only",
        "not_on_card",
        "several_times_in_month",
        "first_owner_in_another_month",
        "never_in_charge",
        "confirmed_without_time",
        "collected_for_later_orders",
        "collected_for_unknown_orders",
        "restored_since",
        "bought_from_several_people",
    }
)


def test_the_company_fills_every_other_line(moved: Moved) -> None:
    rows = reconciliation.reconciliation(moved.company)
    assert set(rows.line) == {line for _, lines in reconciliation.LINES.values() for line, _ in lines}
    assert set(rows.line) - set(rows[rows.value != 0].line) <= RARE
    assert set(rows.topic) == {topic for topic, _ in reconciliation.LINES}


@dataclass(frozen=True)
class Mutation:
    """One rule of kpi_reconciliation changed, and the lines (topic, metric, line) in which it must differ then."""

    name: str
    rule: str
    broken: str
    lines: frozenset[tuple[str, str, str]]


def _lines(topic: str, metrics: str, lines: str) -> frozenset[tuple[str, str, str]]:
    return frozenset((topic, metric, line) for metric in metrics.split() for line in lines.split())


# They do not touch each other: one dbt run serves them all.
MUTATIONS = (
    Mutation(
        "what I sold myself was sold by others",
        "case when owned_orders.executor_id != owned_orders.manager_id then",
        "case when true then",
        _lines("revenue_by_executor_or_owner", "revenue_amount", "sold_by_others"),
    ),
    Mutation(
        "customers of nobody are customers of another department",
        "when owned_orders.manager_department_id in ('none', 'unknown') then 'sold_to_customers_without_department'",
        "when owned_orders.manager_department_id in ('unknown') then 'sold_to_customers_without_department'",
        _lines(
            "orders_by_executor_or_owner",
            "orders",
            "sold_to_customers_without_department sold_to_customers_of_other_departments",
        ),
    ),
    Mutation(
        "the third member counts like the second",
        "(repeated.member_count - 2) * repeated.figure as figure",
        "(repeated.member_count - 1) * repeated.figure as figure",
        _lines(
            "total_or_sum_of_members",
            "new_customers_by_source orders_by_source sales_amount_by_source revenue_amount_by_source "
            "customers_by_source customer_revenue_by_source",
            "again_in_further_members",
        ),
    ),
    Mutation(
        "a deleted comment is any comment",
        "when card_interactions.is_deleted then 'comments_deleted'",
        "when card_interactions.is_deleted then 'on_card_only'",
        _lines("kpi_or_card_interactions", "interactions", "comments_deleted on_card_only"),
    ),
    Mutation(
        "received from nobody is received from others",
        "when owners.previous_manager_id in ('none', 'unknown') then 'received_from_nobody'",
        "when owners.previous_manager_id in ('unknown') then 'received_from_nobody'",
        _lines("created_or_assigned", "customers", "received_from_nobody received_from_others"),
    ),
    Mutation(
        "a contact without an age has one",
        "case when persons.age_years is null then 'contacts_without_age' else 'contacts_with_age' end",
        "case when persons.age_years is null then 'contacts_with_age' else 'contacts_with_age' end",
        _lines("customers_or_persons", "persons", "contacts_without_age contacts_with_age"),
    ),
    Mutation(
        "confirmed elsewhere counts in the month of creation",
        "        confirmed_tasks.confirmed_month_date as month_date,",
        "        confirmed_tasks.created_month_date as month_date,",
        _lines("tasks_created_or_state", "tasks_confirmed", "created_in_another_month"),
    ),
    Mutation(
        "money for pending orders is money for orders that do not count",
        "when orders.is_pending then 'collected_for_pending_orders'",
        "when orders.is_pending then 'collected_for_cancelled_orders'",
        _lines(
            "sales_revenue_collected",
            "collected_amount",
            "collected_for_pending_orders collected_for_cancelled_orders",
        ),
    ),
    Mutation(
        "deleted customers were handed over",
        "case when cohort.is_deleted then 'deleted_since' else 'handed_over_since' end as line",
        "case when cohort.is_deleted then 'handed_over_since' else 'handed_over_since' end as line",
        _lines("then_or_now", "customers_in_charge", "deleted_since handed_over_since"),
    ),
    Mutation(
        "who moved was always where they are now",
        "coalesce(primary_places.department_id, owned_orders.executor_department_id) as department_id_then",
        "owned_orders.executor_department_id as department_id_then",
        _lines(
            "members_or_department",
            "orders_by_department_then revenue_amount_by_department_then",
            "people_who_came_since people_who_left_since of_people_then",
        ),
    ),
)


@pytest.fixture(scope="module")
def mutated(moved: Moved, built: DemoWarehouse, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str, str]]:
    """The lines in which a model with every rule broken differs from the oracle."""
    root = tmp_path_factory.mktemp("mutated_reconciliation")
    for folder in ("models", "seeds", "dbt_project"):
        shutil.copytree(PROJECT_DIR / folder, root / folder, symlinks=True)
    path = root / "models" / "marts" / "reconciliation" / "kpi_reconciliation.sql"
    text = path.read_text(encoding="utf-8")
    for mutation in MUTATIONS:
        assert text.count(mutation.rule) == 1, f"{path.name} no longer has the rule {mutation.rule!r} once"
        text = text.replace(mutation.rule, mutation.broken)
    path.write_text(text, encoding="utf-8")
    home = root / "home"
    shutil.copytree(moved.home, home, ignore=shutil.ignore_patterns("target", "logs"))
    assert rebuild(home, root / "dbt_project", built.as_of, "--exclude-resource-type", "test").bad() == []
    key, compute = reconciliation.MARTS["kpi_reconciliation"]
    tables = (compute(moved.company), found(warehouse_settings(home).warehouse_path, "kpi_reconciliation"))
    expected, broken = (
        {tuple(str(row[name]) for name in key): row["value"] for row in table.to_dict("records")} for table in tables
    )
    # A comparison that the broken model alone shows is one of zeros otherwise.
    return {
        (at[0], at[1], at[-1]) for at in expected.keys() | broken.keys() if expected.get(at, 0) != broken.get(at, 0)
    }


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name.replace(" ", "_"))
def test_the_oracle_notices_a_broken_rule(mutation: Mutation, mutated: set[tuple[str, str, str]]) -> None:
    topic = {line[0] for line in mutation.lines}
    assert {line for line in mutated if line[0] in topic} == mutation.lines
