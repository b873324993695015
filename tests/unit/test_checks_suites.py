"""The two Great Expectations suites: a good night passes, each check fails where something is wrong, and only there.

All tests that import Great Expectations are in this file, because the import takes ten seconds. Each suite judges one
good and one thoroughly bad night, in which every check has an entity, a month or a reference of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from orchestration.checks.batches import check_batches, refuse_failed
from orchestration.checks.catalogue import BATCH_CHECK_NAMES, CHECKS, MART_CHECK_NAMES
from orchestration.checks.marts import check_marts
from orchestration.checks.outcome import CheckOutcome, Number
from orchestration.checks.suite import KEPT_VALIDATIONS, SuiteError, between, run_suite
from orchestration.landing.store import Landing
from orchestration.sources.base import BatchKind, SourceError
from tests.unit.checks_company import SOURCE, Rows, build_warehouse, corrupted, land

NIGHTS = tuple(date(2026, 3, 26) + timedelta(days=day) for day in range(4))
GOOD_NIGHT, BAD_NIGHT = NIGHTS[-1], NIGHTS[-1] + timedelta(days=1)


@dataclass(frozen=True)
class BatchFailure:
    """Where a bad night shows: the entity, some of the numbers, and one row."""

    entity: str
    numbers: dict[str, Number]
    row: dict[str, Number]
    message: str


BATCH_FAILURES: dict[str, BatchFailure] = {
    "batch_landed": BatchFailure(
        "products", {"attempt": 1}, {"rule": "unreadable", "message": "products.csv: cut off"}, "products.csv: cut off"
    ),
    "batch_accounting": BatchFailure(
        "provinces",
        {"rows_in": 63, "rows_in_data_file": 62, "gap": 1},
        {"rows_landed": 63, "rows_in_data_file": 62},
        "63 rows in, 62 in the data file, 0 in quarantine",
    ),
    "batch_no_gap": BatchFailure(
        "projects",
        {"skipped_nights": 1},
        {"night": "2026-03-29"},
        "holds changes only, and those of 2026-03-29 are missing; run that night again first",
    ),
    "batch_quarantine_rate": BatchFailure(
        "tasks",
        {"quarantine_rate": 0.06, "limit": 0.05, "rows_quarantined": 6},
        {"row": 2, "column": "created_at", "rule": "type"},
        "6 of 100 rows in quarantine (6.0%, limit 5.0%); repair the input and run the night again, or add "
        "`tasks 2026-03-30 reason` to accepted_batches.txt",
    ),
    "batch_rows_kept": BatchFailure(
        "customers",
        {"live_before": 300, "lost": 63, "lost_rate": 0.21},
        {"key": "c237"},
        "63 of 300 live records of 2026-03-29.1 are not delivered any more (21.0%)",
    ),
    "batch_quarantined_rows": BatchFailure(
        "orders",
        {"rows_in": 100, "rows_quarantined": 1},
        {"row": 2, "column": "order_date", "rule": "type"},
        "1 of 100 rows in quarantine",
    ),
    "batch_value_sets": BatchFailure(
        "interactions",
        {"rows": 2, "values": 1},
        {"column": "type", "value": "fax", "rows": 2, "first_row": 2},
        "2 rows with values outside the contract: type = 'fax'",
    ),
    "batch_row_drift": BatchFailure(
        "contacts",
        {"rows_landed": 200, "mean": 100.0, "ratio": 2.0},
        {"sigmas": 100.0},
        "200 rows, 2.00 times the usual 100",
    ),
    "batch_deletions": BatchFailure(
        "payments",
        {"live_before": 100, "lost": 4, "marked_deleted": 2, "gone_rate": 0.06},
        {"key": "y97"},
        "4 records gone and 2 marked deleted of 100 live ones (6.0%)",
    ),
    "batch_null_rates": BatchFailure(
        "opportunities",
        {"null_rate approach_method": 1.0},
        {"column": "approach_method", "null_rate": 1.0, "null_rate_before": 0.0},
        "approach_method empty in 100.0%, before 0.0%",
    ),
    "batch_freshness": BatchFailure(
        "employees",
        {"newest_lag_days": 181, "limit_days": 180},
        {"newest_lag_days": 181},
        "the newest change is of 2025-09-30, 181 days before the night",
    ),
    "batch_future_rows": BatchFailure(
        "order_lines",
        {"after_night updated_at": 3},
        {"column": "updated_at", "rows": 3},
        "3 dates after the night: updated_at",
    ),
    "batch_unknown_columns": BatchFailure("industries", {"warnings": 1}, {}, "sector_name"),
}


def _batch(entity: str, rows: int) -> Rows:
    """A plain good batch, the same every night."""
    changed = {"updated_at": "2026-03-26T08:00:00"}
    shapes: dict[str, Any] = {
        "customers": lambda n: {"customer_id": f"c{n}", "customer_name": "A", "created_at": "2026-01-01", **changed},
        "contacts": lambda n: {"contact_id": f"k{n}", "customer_id": "c1", **changed},
        "payments": lambda n: {
            "payment_id": f"y{n}",
            "order_id": "o1",
            "amount": "5",
            "paid_on": "2026-01-01",
            **changed,
        },
        "opportunities": lambda n: {"opportunity_id": f"u{n}", "approach_method": "call", "status": "open", **changed},
        "tasks": lambda n: {"task_id": f"t{n}", "status": "new", "created_at": "2026-01-01", **changed},
        "orders": lambda n: {
            "order_id": f"o{n}",
            "order_type": "sale",
            "status": "approved",
            "order_date": "2026-01-01",
            **changed,
        },
        "interactions": lambda n: {
            "interaction_id": f"i{n}",
            "customer_id": "c1",
            "type": "call",
            "occurred_at": "2026-01-01",
            **changed,
        },
        "order_lines": lambda n: {
            "order_line_id": f"l{n}",
            "order_id": "o1",
            "quantity": "1",
            "unit_price": "10",
            **changed,
        },
        "employees": lambda n: {"employee_id": f"e{n}", "full_name": "A", **changed},
        "products": lambda n: {"product_id": f"p{n}", "product_name": "A", **changed},
        "provinces": lambda n: {"province_id": f"v{n}", "province_name": "A"},
        "industries": lambda n: {"industry_id": f"d{n}", "industry_name": "A"},
        "projects": lambda n: {"project_id": f"j{n}", "project_name": "A"},
    }
    return [shapes[entity](number) for number in range(1, rows + 1)]


SIZES = {
    "customers": 300,
    "contacts": 100,
    "payments": 100,
    "opportunities": 100,
    "tasks": 100,
    "orders": 100,
    "interactions": 100,
    "order_lines": 10,
    "employees": 10,
    "products": 5,
    "provinces": 63,
    "industries": 5,
    "projects": 5,
}


def _land_good_nights(landing: Landing) -> None:
    for entity, size in SIZES.items():
        # Only drift needs more than the night before.
        for night in NIGHTS if entity in {"contacts", "projects"} else NIGHTS[-1:]:
            land(landing, entity, night, _batch(entity, size))


def _changed(rows: Rows, numbers: range, **values: str | None) -> Rows:
    return [{**row, **values} if number in numbers else row for number, row in enumerate(rows)]


def _land_bad_night(landing: Landing) -> None:
    good = {entity: _batch(entity, size) for entity, size in SIZES.items()}
    bad: dict[str, Rows] = {
        "provinces": good["provinces"],
        "tasks": _changed(good["tasks"], range(6), created_at="0000-00-00"),
        "customers": [row for row in good["customers"] if int(row["customer_id"][1:]) <= 236]
        + [good["customers"][299]],
        "orders": _changed(good["orders"], range(1), order_date="2026-02-30"),
        "interactions": _changed(good["interactions"], range(2), type="fax"),
        "contacts": _batch("contacts", 200),
        "payments": _changed(good["payments"][:96], range(2), deleted_at="2026-03-30T09:00:00"),
        "opportunities": _changed(good["opportunities"], range(100), approach_method=None),
        "employees": _changed(good["employees"], range(10), updated_at="2025-09-30T08:00:00"),
        "order_lines": _changed(good["order_lines"], range(3), updated_at="2026-03-31T00:00:00"),
        "industries": _changed(good["industries"], range(5), sector_name="B"),
    }
    for entity, rows in bad.items():
        manifest = land(landing, entity, BAD_NIGHT, rows)
        if entity == "provinces":
            path = landing.data_path(manifest)
            pq.write_table(pq.read_table(path).slice(1), path)
    [refused] = [
        manifest for manifest in landing.visible(SOURCE, GOOD_NIGHT, "projects") if manifest.batch_date == GOOD_NIGHT
    ]
    landing.refuse(refused, {"batch_rows_kept": "most projects were missing"})
    land(landing, "projects", BAD_NIGHT, good["projects"][:1], kind=BatchKind.DELTA)
    cut_off = SourceError("products", "products.csv", "unreadable", "products.csv: cut off")
    landing.write_failure(SOURCE, BAD_NIGHT, "products", cut_off)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Landing:
    landing = Landing(tmp_path_factory.mktemp("nights") / "landing")
    _land_good_nights(landing)
    _land_bad_night(landing)
    return landing


@pytest.fixture(scope="module")
def docs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checks") / "data_docs"


@pytest.fixture(scope="module")
def good_night(nights: Landing, docs_dir: Path) -> list[CheckOutcome]:
    return check_batches(nights, SOURCE, GOOD_NIGHT, docs_dir)


@pytest.fixture(scope="module")
def bad_night(nights: Landing, docs_dir: Path) -> list[CheckOutcome]:
    return check_batches(nights, SOURCE, BAD_NIGHT, docs_dir)


def _of(outcomes: list[CheckOutcome], name: str, last: str) -> CheckOutcome:
    [found] = [outcome for outcome in outcomes if (outcome.spec.name, outcome.spec.asset[-1]) == (name, last)]
    return found


def test_a_good_night_passes_every_batch_check(good_night: list[CheckOutcome]) -> None:
    assert [outcome.message for outcome in good_night if not outcome.passed] == []
    assert [outcome.spec for outcome in good_night] == [spec for spec in CHECKS if spec.name in BATCH_CHECK_NAMES]


def test_an_entity_that_the_source_never_had_passes_and_says_so(good_night: list[CheckOutcome]) -> None:
    assert _of(good_night, "batch_landed", "campaigns").message == "campaigns: this source does not deliver it"
    assert _of(good_night, "batch_rows_kept", "campaigns").message.startswith("campaigns: nothing to judge")


@pytest.mark.parametrize("name", BATCH_FAILURES)
def test_a_bad_batch_fails_its_check(bad_night: list[CheckOutcome], name: str) -> None:
    expected = BATCH_FAILURES[name]
    outcome = _of(bad_night, name, expected.entity)
    assert not outcome.passed
    assert outcome.blocks is (outcome.spec.severity == "error")
    assert {key: outcome.numbers[key] for key in expected.numbers} == pytest.approx(expected.numbers)
    assert any(expected.row.items() <= dict(row).items() for row in outcome.rows), outcome.rows
    assert expected.message in outcome.message


def test_a_bad_night_fails_nothing_else(bad_night: list[CheckOutcome]) -> None:
    failed = {(outcome.spec.name, outcome.spec.asset[-1]) for outcome in bad_night if not outcome.passed}
    implied = {
        # Rows in quarantine are also a warning where they block, and where their value is unknown.
        ("batch_quarantined_rows", "tasks"),
        ("batch_quarantined_rows", "interactions"),
        # A loss that blocks is also more than the warning allows.
        ("batch_deletions", "customers"),
    }
    assert failed == {(name, failure.entity) for name, failure in BATCH_FAILURES.items()} | implied


def test_a_batch_that_failed_is_judged_by_one_check_only(bad_night: list[CheckOutcome]) -> None:
    others = [o for o in bad_night if o.spec.asset[-1] == "products" and o.spec.name != "batch_landed"]
    assert {outcome.passed for outcome in others} == {True}
    assert {outcome.message for outcome in others} == {"products: nothing to judge, products.csv: cut off"}


def test_batches_that_a_check_blocked_are_out_of_sight_until_their_night_is_run_again(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    for night in NIGHTS[:3]:
        land(landing, "employees", night, _batch("employees", 10))
        land(landing, "customers", night, _batch("customers", 300 if night != NIGHTS[2] else 60))
    outcomes = check_batches(landing, SOURCE, NIGHTS[2], tmp_path / "checks" / "data_docs")
    refuse_failed(landing, SOURCE, NIGHTS[2], outcomes)

    def seen() -> list[str]:
        return [manifest.batch_id for manifest in landing.visible(SOURCE, entity="customers")]

    assert seen() == [f"{NIGHTS[0]}.1", f"{NIGHTS[1]}.1"]
    assert len(landing.visible(SOURCE, entity="employees")) == 3
    land(landing, "customers", NIGHTS[2], _batch("customers", 299))
    outcomes = check_batches(landing, SOURCE, NIGHTS[2], tmp_path / "checks" / "data_docs")
    assert [outcome.message for outcome in outcomes if outcome.blocks] == []
    assert seen() == [f"{NIGHTS[0]}.1", f"{NIGHTS[1]}.1", f"{NIGHTS[2]}.2"]


def test_a_delta_after_a_failed_night_counts_again_once_that_night_has_been_run_again(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    docs = tmp_path / "checks" / "data_docs"
    land(landing, "employees", NIGHTS[0], _batch("employees", 10))
    land(landing, "customers", NIGHTS[0], _batch("customers", 30))
    landing.write_failure(
        SOURCE, NIGHTS[1], "customers", SourceError("customers", "customers.csv", "unreadable", "cut")
    )
    for night in NIGHTS[2:]:
        land(landing, "employees", night, _batch("employees", 10))
        land(landing, "customers", night, _batch("customers", 2), kind=BatchKind.DELTA)
        outcomes = check_batches(landing, SOURCE, night, docs)
        refuse_failed(landing, SOURCE, night, outcomes)
        assert {outcome.spec.name for outcome in outcomes if outcome.blocks} == {"batch_no_gap"}
    land(landing, "customers", NIGHTS[1], _batch("customers", 3), kind=BatchKind.DELTA)
    outcomes = check_batches(landing, SOURCE, NIGHTS[3], docs)
    assert [outcome.message for outcome in outcomes if outcome.blocks] == []
    assert [manifest.batch_date for manifest in landing.visible(SOURCE, entity="customers")] == list(NIGHTS)


def test_an_entity_that_must_be_there_and_is_not_blocks(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "landing")
    land(landing, "customers", GOOD_NIGHT, _batch("customers", 30))
    land(landing, "orders", GOOD_NIGHT - timedelta(days=1), _batch("orders", 3))
    outcomes = check_batches(landing, SOURCE, GOOD_NIGHT, tmp_path / "checks" / "data_docs")
    assert [outcome.message for outcome in outcomes if outcome.blocks] == [
        "employees: the source must deliver employees, and there is no batch of the night",
        "orders: there is no batch of the night; the last one is of 2026-03-28",
    ]


def test_what_a_person_accepted_passes_and_is_the_yardstick_of_the_next_night(nights: Landing, tmp_path: Path) -> None:
    docs = tmp_path / "checks" / "data_docs"
    docs.mkdir(parents=True)
    (docs.parent / "accepted_batches.txt").write_text(
        f"customers {BAD_NIGHT} cleaned up by Lan\ntasks {BAD_NIGHT} known import\n"
    )
    outcomes = check_batches(nights, SOURCE, BAD_NIGHT, docs)
    kept = _of(outcomes, "batch_rows_kept", "customers")
    assert kept.passed
    assert kept.message.endswith("(accepted: cleaned up by Lan)")
    assert _of(outcomes, "batch_quarantine_rate", "tasks").passed
    assert not _of(outcomes, "batch_deletions", "customers").passed


MART_SQL = """
    delete from marts.dim_employees where not is_placeholder;
    update marts.fct_funnel set new_customers = -1 where month_date = date '2025-10-01' and employee_id = 'e1';
    delete from marts.fct_funnel where month_date = date '2026-03-01';
    update marts.fct_funnel set revenue_amount = 0 where month_date = date '2025-11-01';
    update marts.fct_funnel set revenue_amount = sales_amount * 2 where month_date = date '2025-12-01';
    update marts.fct_funnel set interactions = interactions * 5 where month_date = date '2026-02-01';
    insert into marts.fct_interactions by name
        select 'mass' || n as interaction_key, 'e1' as employee_id, 'c001' as customer_id, 1 as interactions,
            date '2026-01-07' as occurred_date, date '2026-01-01' as month_date
        from range(300) as mass (n);
    update marts.fct_task_status set tasks_late = 1 where month_date = date '2025-10-01' and employee_id = 'e1';
    update marts.fct_task_status set tasks_completed_late = 9 where month_date = date '2025-12-01';
    update marts.fct_journey set customers = customers * 2 where as_of_date = date '2026-03-10';
    update marts.fct_journey set customers = customers + 1
        where as_of_date = date '2026-03-30' and created_date = date '2025-10-01';
    update marts.dim_customers set province_id = 'unknown' where customer_id in ('c001', 'c002', 'c003');
    update marts.fct_interactions set customer_id = 'unknown' where interaction_type = 'task';
    update marts.fct_order_lines set product_id = 'unknown' where order_id < 'o03';
    update marts.fct_orders set customer_id = 'unknown' where order_id < 'o03';
    update marts.fct_payments set customer_id = 'unknown' where order_id < 'o03';
    update marts.fct_tasks set project_id = 'unknown' where task_id < 't04';
    update marts.fct_interactions set employee_id = 'none' where employee_id = 'e2';
    update marts.fct_orders set executor_id = 'none' where order_id < 'o12';
    update marts.fct_tasks set assignee_id = 'none' where assignee_id = 'e2';
"""


@dataclass(frozen=True)
class MartFailure:
    """Where the bad marts show: the mart, the rows of the frame, and the value judged in the last of them."""

    mart: str
    rows: tuple[str, ...]
    column: str
    value: float


MART_FAILURES: Mapping[str, list[MartFailure]] = {
    "marts_are_filled": [MartFailure("dim_customers", ("dim_employees",), "needed_rows", 0)],
    "funnel_counts_not_negative": [MartFailure("fct_funnel", ("month 2025-10",), "lowest_count", -1)],
    "funnel_reaches_as_of": [MartFailure("fct_funnel", ("month 2026-03",), "funnel_rows_at_as_of", 0)],
    "funnel_months_continuous": [MartFailure("fct_funnel", ("month 2026-03",), "funnel_rows", 0)],
    "funnel_revenue_positive": [MartFailure("fct_funnel", ("month 2025-11",), "revenue_of_sales_months", 0)],
    "funnel_revenue_per_sales": [MartFailure("fct_funnel", ("month 2025-11", "month 2025-12"), "revenue_per_sales", 2)],
    "funnel_month_drift": [MartFailure("fct_funnel", ("month 2026-02",), "interactions_ratio", 5)],
    "interactions_per_employee_day": [MartFailure("fct_interactions", ("month 2026-01",), "busiest_employee_day", 301)],
    "task_states_add_up": [MartFailure("fct_task_status", ("month 2025-10",), "task_states_gap", 1)],
    "task_rates_in_range": [MartFailure("fct_task_status", ("month 2025-12",), "completed_late_rate", 3)],
    "journey_day_drift": [
        MartFailure("fct_journey", ("day 2026-03-10", "day 2026-03-11"), "journey_change_rate", -0.495)
    ],
    "journey_ends_at_customers": [MartFailure("fct_journey", ("day 2026-03-30",), "journey_gap", 1)],
    "unknown_references": [
        MartFailure("dim_customers", ("dim_customers.province_id",), "unknown_rate", 3 / 120),
        MartFailure("fct_interactions", ("fct_interactions.customer_id",), "unknown_rate", 24 / 564),
        MartFailure("fct_order_lines", ("fct_order_lines.product_id",), "unknown_rate", 4 / 76),
        MartFailure("fct_orders", ("fct_orders.customer_id",), "unknown_rate", 2 / 38),
        MartFailure("fct_payments", ("fct_payments.customer_id",), "unknown_rate", 2 / 37),
        MartFailure("fct_tasks", ("fct_tasks.project_id",), "unknown_rate", 3 / 36),
    ],
    "missing_references": [
        MartFailure("fct_interactions", ("fct_interactions.employee_id",), "missing_actor_rate", 132 / 564),
        MartFailure("fct_orders", ("fct_orders.executor_id",), "missing_actor_rate", 11 / 38),
        MartFailure("fct_tasks", ("fct_tasks.assignee_id",), "missing_actor_rate", 18 / 36),
    ],
}
MART_CASES = [
    pytest.param(name, failure, id=f"{name}-{failure.mart}")
    for name, failures in MART_FAILURES.items()
    for failure in failures
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_warehouse(tmp_path_factory.mktemp("marts") / "warehouse.duckdb")


@pytest.fixture(scope="module")
def good_marts(warehouse: Path, docs_dir: Path) -> list[CheckOutcome]:
    return check_marts(warehouse, docs_dir)


@pytest.fixture(scope="module")
def bad_marts(warehouse: Path, docs_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[CheckOutcome]:
    return check_marts(corrupted(warehouse, tmp_path_factory.mktemp("bad_marts"), MART_SQL), docs_dir)


def test_good_marts_pass_every_check(good_marts: list[CheckOutcome]) -> None:
    assert [outcome.message for outcome in good_marts if not outcome.passed] == []
    assert [outcome.spec for outcome in good_marts] == [spec for spec in CHECKS if spec.name in MART_CHECK_NAMES]


def test_good_marts_are_really_judged(good_marts: list[CheckOutcome]) -> None:
    judged = {
        (outcome.spec.name, outcome.spec.asset[-1]): outcome.numbers["judged"]
        for outcome in good_marts
        if outcome.numbers["judged"] != 6
    }
    assert judged == {
        ("marts_are_filled", "dim_customers"): 5,
        ("funnel_reaches_as_of", "fct_funnel"): 1,
        ("funnel_month_drift", "fct_funnel"): 1,
        ("journey_day_drift", "fct_journey"): 35,
        ("journey_ends_at_customers", "fct_journey"): 1,
        ("unknown_references", "dim_customers"): 3,
        ("unknown_references", "fct_interactions"): 2,
        ("unknown_references", "fct_order_lines"): 1,
        ("unknown_references", "fct_orders"): 2,
        ("unknown_references", "fct_payments"): 1,
        ("unknown_references", "fct_tasks"): 3,
        ("missing_references", "fct_interactions"): 1,
        ("missing_references", "fct_orders"): 1,
        ("missing_references", "fct_tasks"): 1,
    }


@pytest.mark.parametrize(("name", "failure"), MART_CASES)
def test_an_implausible_mart_fails_its_check(bad_marts: list[CheckOutcome], name: str, failure: MartFailure) -> None:
    outcome = _of(bad_marts, name, failure.mart)
    assert not outcome.passed
    assert outcome.blocks is (outcome.spec.severity == "error")
    assert tuple(row["row"] for row in outcome.rows) == failure.rows
    assert outcome.rows[-1][failure.column] == pytest.approx(failure.value, rel=1e-2)
    assert outcome.numbers["failed"] == len(failure.rows)
    assert failure.rows[-1] in outcome.message


def test_every_mart_check_has_a_failing_case_on_every_mart() -> None:
    shown = {(name, failure.mart) for name, failures in MART_FAILURES.items() for failure in failures}
    assert shown == {(spec.name, spec.asset[-1]) for spec in CHECKS if spec.name in MART_CHECK_NAMES}


def test_marts_without_any_row_fail_what_cannot_be_empty(warehouse: Path, docs_dir: Path, tmp_path: Path) -> None:
    empty = corrupted(
        warehouse,
        tmp_path,
        "".join(
            f"delete from marts.{mart};"
            for mart in ("fct_funnel", "fct_interactions", "fct_journey", "fct_orders", "fct_tasks", "fct_task_status")
        ),
    )
    failed = [outcome for outcome in check_marts(empty, docs_dir) if not outcome.passed]
    assert [outcome.spec.name for outcome in failed] == [
        "marts_are_filled",
        "funnel_reaches_as_of",
        "funnel_months_continuous",
        "journey_ends_at_customers",
    ]
    assert [row["row"] for row in failed[0].rows] == ["fct_funnel", "fct_journey"]


def test_data_docs_have_a_page_per_suite_and_no_path_that_would_break_when_moved(
    good_night: list[CheckOutcome], good_marts: list[CheckOutcome], docs_dir: Path
) -> None:
    assert good_night
    assert good_marts
    assert {page.parent.parent.parent.name for page in docs_dir.glob("validations/*/*/*/*.html")} == {
        "batches",
        "marts",
    }
    index = (docs_dir / "index.html").read_text("utf-8")
    assert "expectations/batches.html" in index
    settings = (docs_dir.parent / "gx" / "great_expectations.yml").read_text("utf-8")
    assert str(docs_dir.parent) not in settings
    assert re.search(r"base_directory: \.\./data_docs/", settings)


def test_only_the_newest_validations_are_kept(tmp_path: Path) -> None:
    docs = tmp_path / "checks" / "data_docs"
    frame = pd.DataFrame({"key": ["a"], "figure": [1.0]})
    for folder in (docs, docs.parent / "gx" / "uncommitted"):
        for number in range(KEPT_VALIDATIONS + 3):
            run = folder / "validations" / "marts" / "__none__" / f"20250101T{number:06}.000000Z"
            run.mkdir(parents=True)
            (run / "kpi-marts.json").write_text("{}")
    run_suite("marts", frame, "key", {"marts_are_filled": (between("figure", 0, 2),)}, docs)
    kept = sorted(path.name for path in (docs / "validations" / "marts" / "__none__").iterdir())
    assert len(kept) == KEPT_VALIDATIONS
    assert kept[0] == "20250101T000004.000000Z"
    stored = docs.parent / "gx" / "uncommitted" / "validations" / "marts" / "__none__"
    assert sorted(path.name for path in stored.iterdir() if path.is_dir()) == kept


def test_an_expectation_that_cannot_be_evaluated_is_an_error_not_a_pass(tmp_path: Path) -> None:
    frame = pd.DataFrame({"key": ["a"], "figure": [1.0]})
    with pytest.raises(SuiteError, match="suite marts, check marts_are_filled"):
        run_suite("marts", frame, "key", {"marts_are_filled": (between("absent", 0, 2),)}, tmp_path / "data_docs")
