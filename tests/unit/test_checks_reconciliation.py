"""Reconciliation: each identity holds for the company, and each way of breaking it is found where it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.checks.catalogue import CHECKS, RECONCILED_ENTITIES, RECONCILIATION_CHECK_NAMES
from orchestration.checks.outcome import CheckOutcome, Number, Severity
from orchestration.checks.reconciliation import reconcile
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind
from tests.unit.checks_company import AS_OF, SOURCE, build_warehouse, corrupted, customer_rows, land, land_company

DAY_BEFORE = date(2026, 3, 29)


@dataclass(frozen=True)
class Failure:
    """What breaks a check: SQL on a copy of the warehouse, where it must show, and one row it must name."""

    sql: str
    asset: tuple[str, ...]
    row: dict[str, Number]


MARCH = "date '2026-03-01'"

FAILURES: dict[str, list[Failure]] = {
    # Broken in the landing zone itself, by test_batches_that_lost_rows_are_named.
    "landing_matches_source": [],
    "core_matches_landing": [
        Failure(
            "delete from core.core_customers where customer_id = 'c007'",
            ("core", "core_customers"),
            {"key": "c007", "landed": "yes", "core": "no", "landed_amount": None, "core_amount": None},
        ),
        Failure(
            "insert into core.core_tasks by name select 'ghost' as task_id, false as is_deleted",
            ("core", "core_tasks"),
            {"key": "ghost", "landed": "no", "core": "yes", "landed_amount": None, "core_amount": None},
        ),
        Failure(
            "update core.core_payments set amount = amount + 0.01 where payment_id = 'y05'",
            ("core", "core_payments"),
            {"key": "y05", "landed": "yes", "core": "yes", "landed_amount": "900.25", "core_amount": "900.26"},
        ),
        Failure(
            "update core.core_order_lines set ordered_amount = 33.32 where order_line_id = 'l09b'",
            ("core", "core_order_lines"),
            {"key": "l09b", "landed": "yes", "core": "yes", "landed_amount": "31.83", "core_amount": "31.82"},
        ),
        Failure(
            "update core.core_orders set discount_amount = 0 where order_id = 'o04'",
            ("core", "core_orders"),
            {"key": "o04", "landed": "yes", "core": "yes", "landed_amount": "-50.00", "core_amount": "0.00"},
        ),
    ],
    "customers_reconcile": [
        Failure(
            "delete from marts.dim_customers where customer_id = 'c120'",
            ("marts", "dim_customers"),
            {"quantity": "customers", "month": "2026-03-01", "core_customers": 20, "dim_customers": 19},
        ),
        Failure(
            "update marts.dim_customer_cohort set is_deleted = true where customer_id = 'c001'",
            ("marts", "dim_customers"),
            {"quantity": "live customers", "month": "2025-10-01", "core_customers": 20, "dim_customer_cohort": 19},
        ),
    ],
    "orders_reconcile": [
        Failure(
            # Totals agree; only the months tell.
            "update marts.fct_orders set month_date = date '2025-11-01' where order_id = 'o01'",
            ("marts", "fct_orders"),
            {"quantity": "counted sales", "month": "2025-10-01", "core_orders": 6, "fct_orders.orders": 5},
        ),
        Failure(
            f"update marts.fct_funnel set returns = 0 where month_date = {MARCH}",
            ("marts", "fct_orders"),
            {"quantity": "counted returns", "month": "2026-03-01", "core_orders": 1, "fct_funnel.returns": 0},
        ),
    ],
    "amounts_reconcile": [
        Failure(
            "update marts.fct_order_lines set revenue_amount = revenue_amount - 0.01 where order_line_id = 'l01a'",
            ("marts", "fct_order_lines"),
            {"quantity": "revenue_amount", "month": "2025-10-01", "fct_order_lines.revenue_amount": "6140.97"},
        ),
        Failure(
            "insert into marts.fct_funnel by name select month_date, 'none' as employee_id, 1 as sales_amount "
            f"from marts.fct_funnel where month_date = {MARCH} limit 1",
            ("marts", "fct_order_lines"),
            {"quantity": "sales_amount", "month": "2026-03-01", "fct_funnel.sales_amount": "5167.65"},
        ),
    ],
    "collected_reconcile": [
        Failure(
            "delete from marts.fct_payments where payment_id = 'y37'",
            ("marts", "fct_payments"),
            {"quantity": "collected_amount", "month": "2026-03-01", "fct_payments.collected_amount": "5401.50"},
        ),
        Failure(
            "update marts.fct_orders set collected_amount = 0 where order_id = 'o01'",
            ("marts", "fct_payments"),
            {
                "quantity": "collected_amount of known orders, by month of the order",
                "month": "2025-10-01",
                "core_payments": "5401.50",
                "fct_orders.collected_amount": "4501.25",
            },
        ),
    ],
    "interactions_reconcile": [
        Failure(
            "delete from marts.fct_interactions where interaction_id = 'i001'",
            ("marts", "fct_interactions"),
            {"quantity": "live interactions and task links", "month": "2025-10-01", "fct_interactions": 43},
        ),
        Failure(
            "update marts.fct_interactions set interactions = 0 where interaction_key = 'task:t01:c002'",
            ("marts", "fct_interactions"),
            {
                "quantity": "counted interactions",
                "month": "2025-10-01",
                "core_customer_interactions": 44,
                "fct_interactions.interactions": 43,
                "fct_funnel.interactions": 44,
            },
        ),
    ],
    "tasks_reconcile": [
        Failure(
            f"update marts.fct_task_status set tasks_created = 4 where month_date = {MARCH} and employee_id = 'e1'",
            ("marts", "fct_tasks"),
            {"quantity": "live tasks", "month": "2026-03-01", "core_tasks": 6, "fct_task_status.tasks_created": 7},
        ),
    ],
}
CASES = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in FAILURES.items()
    for number, case in enumerate(cases)
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    return land_company(tmp_path_factory.mktemp("landing"), (DAY_BEFORE, AS_OF))


def _outcome(outcomes: list[CheckOutcome], name: str, asset: tuple[str, ...]) -> CheckOutcome:
    [found] = [outcome for outcome in outcomes if (outcome.spec.name, outcome.spec.asset) == (name, asset)]
    return found


def test_the_company_reconciles_and_every_check_says_so(landing: Landing, warehouse: Path) -> None:
    outcomes = reconcile(landing, SOURCE, AS_OF, warehouse)
    assert [outcome.message for outcome in outcomes if not outcome.passed] == []
    declared = [spec for spec in CHECKS if spec.name in RECONCILIATION_CHECK_NAMES]
    assert [outcome.spec for outcome in outcomes] == declared


def test_the_numbers_are_those_of_the_company(landing: Landing, warehouse: Path) -> None:
    outcomes = reconcile(landing, SOURCE, AS_OF, warehouse)
    assert _outcome(outcomes, "landing_matches_source", ("landing", "customers")).numbers == {
        "batches": 2,
        "rows_in": 240,
        "rows_in_data_files": 240,
        "rows_in_quarantine_files": 0,
    }
    # 37 sales and returns: 36 of 900.25 and a refund of 400.
    assert _outcome(outcomes, "core_matches_landing", ("core", "core_payments")).numbers == {
        "landed_keys": 37,
        "core_rows": 37,
        "differing": 0,
        "landed_amount": "32009.00",
        "core_amount": "32009.00",
    }
    # 35 orders of 1033.33 more than returned; pending ones do not count.
    amounts = _outcome(outcomes, "amounts_reconcile", ("marts", "fct_order_lines")).numbers
    assert amounts["sales_amount: core_orders"] == "36166.55"
    assert amounts["sales_amount: fct_funnel.sales_amount"] == "36166.55"


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_difference_blocks_and_names_its_row(
    landing: Landing, warehouse: Path, tmp_path: Path, name: str, case: Failure
) -> None:
    outcomes = reconcile(landing, SOURCE, AS_OF, corrupted(warehouse, tmp_path, case.sql))
    outcome = _outcome(outcomes, name, case.asset)
    assert not outcome.passed
    assert outcome.blocks
    assert outcome.spec.severity is Severity.ERROR
    assert any(case.row.items() <= dict(row).items() for row in outcome.rows), outcome.rows


def _drop_a_data_row(landing: Landing, entity: str) -> None:
    [manifest] = [manifest for manifest in landing.visible(SOURCE) if manifest.entity == entity]
    path = landing.data_path(manifest)
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


def test_batches_that_lost_rows_are_named(warehouse: Path, tmp_path: Path) -> None:
    landing = land_company(tmp_path)
    for entity in RECONCILED_ENTITIES:
        _drop_a_data_row(landing, entity)
    outcomes = reconcile(landing, SOURCE, AS_OF, warehouse)
    for entity in RECONCILED_ENTITIES:
        outcome = _outcome(outcomes, "landing_matches_source", ("landing", entity))
        assert outcome.blocks
        [row] = outcome.rows
        assert row["batch"] == "2026-03-30.1"
        assert row["rows_in_data_file"] == int(row["rows_in"] or 0) - 1


def test_a_landing_zone_is_compared_as_of_the_warehouse(warehouse: Path, tmp_path: Path) -> None:
    landing = land_company(tmp_path, (DAY_BEFORE, AS_OF))
    later = {**customer_rows()[0], "customer_id": "new"}
    land(landing, "customers", date(2026, 3, 31), [later], kind=BatchKind.DELTA)
    assert _outcome(
        reconcile(landing, SOURCE, AS_OF, warehouse), "core_matches_landing", ("core", "core_customers")
    ).passed
    newer = _outcome(
        reconcile(landing, SOURCE, date(2026, 3, 31), warehouse), "core_matches_landing", ("core", "core_customers")
    )
    assert newer.message == (
        "customers: 121 landed keys, 120 rows in core_customers, 1 records differ, first new; core was not built from "
        "the batches visible now (see 2026-03-31.1): build again"
    )


@pytest.mark.parametrize(
    ("updated_at", "expected"),
    [
        pytest.param("2026-03-31T08:00:00", "1.00", id="newer-wins"),
        pytest.param("2025-01-01T00:00:00", "900.25", id="older-arriving-later-loses"),
        pytest.param(None, "1.00", id="unknown-time-counts-as-its-night"),
        pytest.param("2099-01-01T00:00:00", "1.00", id="a-clock-ahead-counts-as-its-night"),
    ],
)
def test_the_newest_version_is_the_contracts(
    warehouse: Path, tmp_path: Path, updated_at: str | None, expected: str
) -> None:
    landing = land_company(tmp_path)
    night = date(2026, 3, 31)
    land(
        landing,
        "payments",
        night,
        [{"payment_id": "y01", "order_id": "o01", "amount": 1, "paid_on": "2025-10-04", "updated_at": updated_at}],
        kind=BatchKind.DELTA,
    )
    outcome = _outcome(reconcile(landing, SOURCE, night, warehouse), "core_matches_landing", ("core", "core_payments"))
    worth = [row["landed_amount"] for row in outcome.rows if row["key"] == "y01"] or ["900.25"]
    assert worth == [expected]


def test_a_source_without_an_entity_agrees_with_an_empty_core(warehouse: Path, tmp_path: Path) -> None:
    landing = Landing(tmp_path / "empty")
    emptied = corrupted(warehouse, tmp_path, "delete from core.core_tasks")
    outcomes = reconcile(landing, SOURCE, AS_OF, emptied)
    assert _outcome(outcomes, "core_matches_landing", ("core", "core_tasks")).passed
    assert not _outcome(outcomes, "core_matches_landing", ("core", "core_orders")).passed


def test_a_missing_mart_is_an_error_not_a_pass(landing: Landing, warehouse: Path, tmp_path: Path) -> None:
    broken = corrupted(warehouse, tmp_path, "drop table marts.fct_payments cascade")
    with pytest.raises(duckdb.CatalogException, match="fct_payments"):
        reconcile(landing, SOURCE, AS_OF, broken)
