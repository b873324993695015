"""A frozen month: later nights change nothing of it, and the restatement is what was counted by hand.

February of a small company is frozen on its last night. On 10 March the CRM has: an order of An's enlarged, one of
Bình's deleted, one of Chi's handed to An, one of An's entered late; Bình in another department; An's task done, late; a
call entered late; An's target corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dbt_run import DBT_PROJECT_DIR
from orchestration.freezing.figures import copy_month, differences
from orchestration.freezing.freeze import freeze_month, read_version
from orchestration.freezing.index import write_frozen_index
from orchestration.freezing.manifest import FrozenError
from orchestration.freezing.store import FrozenStore
from orchestration.settings import Settings
from tests.properties.runner import SOURCE, Delivery, Project, Row, Tables, Warehouse, built_from, land
from tests.support.warehouse import warehouse_settings

FEBRUARY, FROZEN_ON, LATER = date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 10)
THEN = datetime(2026, 2, 25)

Figure = tuple[str, str, Decimal | None, Decimal | None, Decimal | None]
"""Level, subject, frozen, now, difference."""


def order(order_id: str, executor: str, day: int, customer: str = "KH1", **more: Any) -> Row:
    """A counted sale in February."""
    return {
        "order_id": order_id,
        "customer_id": customer,
        "executor_id": executor,
        "order_type": "sale",
        "status": "approved",
        "order_date": date(2026, 2, day),
        **more,
    }


def line(order_id: str, quantity: int, price: int) -> Row:
    """The one line of an order."""
    return {"order_line_id": f"L{order_id}", "order_id": order_id, "quantity": quantity, "unit_price": price}


def call(interaction_id: str, day: int, outcome: str) -> Row:
    """A call of An's to KH1."""
    return {
        "interaction_id": interaction_id,
        "customer_id": "KH1",
        "employee_id": "an",
        "type": "call",
        "direction": "outbound",
        "occurred_at": datetime(2026, 2, day, 9),
        "outcome": outcome,
    }


def task(task_id: str, assignee: str, due: datetime, **more: Any) -> Row:
    """A task created in February."""
    return {
        "task_id": task_id,
        "assignee_id": assignee,
        "customer_ids": [],
        "status": "new",
        "created_at": datetime(2026, 2, 7, 9),
        "due_at": due,
        **more,
    }


def employees(department_of_binh: str) -> list[Row]:
    """An and Bình of the north, Chi of the south."""
    places = {"an": "north", "binh": department_of_binh, "chi": "south"}
    return [
        {"employee_id": name, "full_name": name, "email": f"{name}@c.vn", "department_id": place, "is_active": True}
        for name, place in places.items()
    ]


def customer(customer_id: str, manager: str, month: int, day: int) -> Row:
    """A customer without a source."""
    return {
        "customer_id": customer_id,
        "customer_name": customer_id,
        "manager_id": manager,
        "source_ids": [],
        "industry_ids": [],
        "created_at": datetime(2026, month, day, 9),
    }


def target(owner: str, name: str, metric: str, value: int) -> Row:
    """A target of February."""
    return {
        "period_start": FEBRUARY,
        "period_end": FROZEN_ON,
        owner: name,
        "metric": metric,
        "target_value": value,
        "direction": "increase",
    }


SAME = {
    "departments": [
        {"department_id": name, "department_name": name, "parent_department_id": None} for name in ("north", "south")
    ],
    "customers": [customer("KH1", "an", 2, 3), customer("KH2", "binh", 2, 10), customer("KH3", "chi", 1, 5)],
    "payments": [{"payment_id": "P1", "order_id": "O1", "amount": 200, "paid_on": date(2026, 2, 15)}],
}

IN_FEBRUARY: Tables = {
    **SAME,
    "employees": employees("north"),
    "orders": [order("O1", "an", 10), order("O2", "binh", 12), order("O3", "chi", 20), order("O4", "an", 25)],
    "order_lines": [line("O1", 2, 100), line("O2", 1, 50), line("O3", 1, 70), line("O4", 1, 30)],
    "interactions": [call("I1", 5, "answered"), call("I2", 6, "missed")],
    "tasks": [task("T1", "an", datetime(2026, 2, 20)), task("T2", "binh", datetime(2026, 3, 20))],
    "kpi_targets": [target("employee_id", "an", "orders", 4), target("department_id", "north", "revenue_amount", 560)],
}

IN_MARCH: Tables = {
    **SAME,
    "employees": employees("south"),
    "orders": [
        order("O1", "an", 10),
        order("O2", "binh", 12, deleted_at=datetime(2026, 3, 2)),
        order("O3", "an", 20),
        order("O4", "an", 25),
        order("O5", "an", 27),
    ],
    "order_lines": [
        *(line("O1", 3, 100), line("O2", 1, 50), line("O3", 1, 70), line("O4", 1, 30), line("O5", 1, 10)),
    ],
    "interactions": [call("I1", 5, "answered"), call("I2", 6, "missed"), call("I3", 26, "answered")],
    "tasks": [
        task(
            "T1",
            "an",
            datetime(2026, 2, 20),
            status="completed",
            done_at=datetime(2026, 3, 5, 9),
            completed_at=datetime(2026, 3, 5, 9),
        ),
        task("T2", "binh", datetime(2026, 3, 20)),
    ],
    "kpi_targets": [target("employee_id", "an", "orders", 5), target("department_id", "north", "revenue_amount", 560)],
}

# By hand: An's revenue was 200 + 30, and is 300 + 30 + 70 + 10; the north was An and Bình, and is An.
RESTATED: Mapping[str, Sequence[tuple[str, str, object, object, object]]] = {
    "revenue_amount": (
        ("company", "all", 350, 410, 60),
        ("department", "north", 280, 410, 130),
        ("department", "south", 70, 0, -70),
        ("employee", "an", 230, 410, 180),
        ("employee", "binh", 50, 0, -50),
        ("employee", "chi", 70, 0, -70),
    ),
    "sales_amount": (
        ("company", "all", 350, 410, 60),
        ("department", "north", 280, 410, 130),
        ("department", "south", 70, 0, -70),
        ("employee", "an", 230, 410, 180),
        ("employee", "binh", 50, 0, -50),
        ("employee", "chi", 70, 0, -70),
    ),
    # The late order and the one that changed hands for An; the company has one deleted and one more.
    "orders": (
        ("department", "north", 3, 4, 1),
        ("department", "south", 1, 0, -1),
        ("employee", "an", 2, 4, 2),
        ("employee", "binh", 1, 0, -1),
        ("employee", "chi", 1, 0, -1),
    ),
    # Nothing became of the customers, the tasks and the stock of Bình's: the person moved.
    "new_customers": (("department", "north", 2, 1, -1), ("department", "south", 0, 1, 1)),
    "customers_in_charge": (("department", "north", 2, 1, -1), ("department", "south", 1, 2, 1)),
    "activities": (("department", "north", 2, 1, -1), ("department", "south", 0, 1, 1)),
    "tasks_new": (("department", "north", 1, 0, -1), ("department", "south", 0, 1, 1)),
    "tasks_late": (
        ("company", "all", 1, 0, -1),
        ("department", "north", 1, 0, -1),
        ("employee", "an", 1, 0, -1),
    ),
    "tasks_completed": (
        ("company", "all", 0, 1, 1),
        ("department", "north", 0, 1, 1),
        ("employee", "an", 0, 1, 1),
    ),
    "tasks_completed_late": (
        ("company", "all", 0, 1, 1),
        ("department", "north", 0, 1, 1),
        ("employee", "an", 0, 1, 1),
    ),
    **{
        metric: (
            ("company", "all", before, after, 1),
            ("department", "north", before, after, 1),
            ("employee", "an", before, after, 1),
        )
        for metric, before, after in (("interactions", 1, 2), ("calls", 2, 3), ("calls_connected", 1, 2))
    },
    "connected_rate": tuple(
        (level, subject, "0.500000", "0.666667", "0.166667")
        for level, subject in (("company", "all"), ("department", "north"), ("employee", "an"))
    ),
}

ROWS_OF_REVENUE = (
    ("company", "all", "an", "O1", "changed", 200, 300, 100),
    ("company", "all", "an", "O3", "added", None, 70, 70),
    ("company", "all", "an", "O5", "added", None, 10, 10),
    ("company", "all", "binh", "O2", "removed", 50, None, -50),
    ("company", "all", "chi", "O3", "removed", 70, None, -70),
    ("department", "north", "an", "O1", "changed", 200, 300, 100),
    ("department", "north", "an", "O3", "added", None, 70, 70),
    ("department", "north", "an", "O5", "added", None, 10, 10),
    ("department", "north", "binh", "O2", "removed", 50, None, -50),
    ("department", "south", "chi", "O3", "removed", 70, None, -70),
    ("employee", "an", "an", "O1", "changed", 200, 300, 100),
    ("employee", "an", "an", "O3", "added", None, 70, 70),
    ("employee", "an", "an", "O5", "added", None, 10, 10),
    ("employee", "binh", "binh", "O2", "removed", 50, None, -50),
    ("employee", "chi", "chi", "O3", "removed", 70, None, -70),
)
ROWS_OF_NEW_CUSTOMERS = (
    ("department", "north", "binh", "KH2", "left_department", 1, None, -1),
    ("department", "south", "binh", "KH2", "joined_department", None, 1, 1),
)


class Company:
    """A home in which nights land, marts are published, and months are frozen."""

    def __init__(self, project: Project, home: Path) -> None:
        self.project = project
        self.settings: Settings = warehouse_settings(home).model_copy(update={"source": SOURCE})
        self.store = FrozenStore(self.settings.frozen_dir)
        self.landing = land(home, [Delivery(FROZEN_ON, IN_FEBRUARY), Delivery(LATER, IN_MARCH)])

    @contextmanager
    def built(self, as_of: date) -> Iterator[Warehouse]:
        """The warehouse of a night, with what is frozen by then."""
        folder = self.settings.warehouse_dir
        index = write_frozen_index(self.store, as_of, self.settings.zone, folder)
        with built_from(self.project.with_frozen(index), self.landing, as_of, folder) as warehouse:
            yield warehouse

    def publish(self, warehouse: Warehouse, as_of: date, path: Path) -> None:
        """The marts as a publication holds them, without access views."""
        batches = [f"{batch.entity}/{batch.batch_id}" for batch in self.landing.visible(SOURCE, as_of)]
        path.unlink(missing_ok=True)
        connection = warehouse.connection
        connection.execute(f"attach '{path}' as publication")
        connection.execute("create schema publication.marts")
        for mart in self.project.marts:
            connection.execute(f"create table publication.main.{mart} as from warehouse.marts.{mart}")
            connection.execute(f"create view publication.marts.{mart} as select * from main.{mart}")
        connection.execute(
            "create table publication.main.publication as "
            "select ? as as_of, ? as source, '1.0' as code_version, ? as batch_ids",
            [as_of, SOURCE, batches],
        )
        connection.execute("detach publication")

    def bytes_of(self, version: str) -> dict[str, bytes]:
        """The content of every file of a version."""
        return {path.name: path.read_bytes() for path in sorted((self.store.root / version).iterdir())}


@pytest.fixture(scope="module")
def company(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """February is published and frozen on its last night."""
    company = Company(project, tmp_path_factory.mktemp("frozen"))
    with company.built(FROZEN_ON) as warehouse:
        assert warehouse.failing_tests() == {}
        company.publish(warehouse, FROZEN_ON, company.settings.marts_path)
    frozen = freeze_month(company.settings, FEBRUARY)
    assert (frozen.is_new, frozen.was_late, frozen.version.as_of) == (True, False, FROZEN_ON)
    return company


@pytest.fixture(scope="module")
def in_march(company: Company) -> Iterator[Warehouse]:
    with company.built(LATER) as warehouse:
        yield warehouse


def rows(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    return warehouse.connection.execute(sql).fetchall()


def test_the_snapshot_is_what_was_known_on_the_last_day(company: Company, in_march: Warehouse) -> None:
    found = rows(
        in_march,
        "select subject_level, subject_id, value, target_value, attainment_rate, input_batches "
        "from marts.kpi_monthly_snapshot where metric = 'orders' order by 1, 2",
    )
    batches = "order_lines/2026-02-28.1 orders/2026-02-28.1"
    assert found == [
        ("company", "all", 4, None, None, batches),
        ("department", "north", 3, None, None, batches),
        ("department", "south", 1, None, None, batches),
        ("employee", "an", 2, 4, 0.5, batches),
        ("employee", "binh", 1, None, None, batches),
        ("employee", "chi", 1, None, None, batches),
    ]
    [(rate, numerator, denominator, as_of, version, is_latest)] = rows(
        in_march,
        "select value, numerator, denominator, as_of_date, version, is_latest from marts.kpi_monthly_snapshot "
        "where metric = 'connected_rate' and subject_level = 'company'",
    )
    assert (rate, numerator, denominator, as_of, version, is_latest) == (Decimal("0.5"), 1, 2, FROZEN_ON, 1, True)
    # A department's target, 280 of 560.
    assert rows(
        in_march,
        "select value, target_value, attainment_rate from marts.kpi_monthly_snapshot "
        "where metric = 'revenue_amount' and subject_id = 'north'",
    ) == [(280, 560, 0.5)]


def test_the_restatement_is_what_was_counted_by_hand(in_march: Warehouse) -> None:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for metric, *figure in rows(
        in_march,
        "select metric, subject_level, subject_id, frozen_value, now_value, difference_value "
        "from marts.kpi_restatement where difference_value != 0 order by all",
    ):
        found.setdefault(metric, []).append(tuple(figure))
    expected = {
        metric: [
            (level, subject, *(Decimal(str(number)) for number in numbers)) for level, subject, *numbers in figures
        ]
        for metric, figures in RESTATED.items()
    }
    assert found == expected


def test_a_corrected_target_is_restated_beside_its_figure(in_march: Warehouse) -> None:
    assert rows(
        in_march,
        "select subject_id, frozen_target_value, now_target_value, frozen_attainment_rate, now_attainment_rate "
        "from marts.kpi_restatement where frozen_target_value is distinct from now_target_value",
    ) == [("an", 4, 5, 0.5, 0.8)]


def test_the_moving_rows_are_named(in_march: Warehouse) -> None:
    for metric, expected in (("revenue_amount", ROWS_OF_REVENUE), ("new_customers", ROWS_OF_NEW_CUSTOMERS)):
        found = rows(
            in_march,
            "select subject_level, subject_id, employee_id, detail_key, change_kind, frozen_value, now_value, "
            f"difference_value from marts.fct_restatement_rows where metric = '{metric}' order by 1, 2, 3, 4",
        )
        assert found == list(expected)


def test_the_marts_tests_hold_over_frozen_months(in_march: Warehouse) -> None:
    assert in_march.failing_tests() == {}


# What each test about frozen months has to notice.
DAMAGE = {
    "every_frozen_metric_has_figures": ("delete from marts.kpi_month_figures where metric = 'calls'",),
    "month_figures_are_the_marts": (
        "update marts.kpi_month_figures set value = value + 1 where metric = 'returns' and subject_level = 'company'",
        "update marts.kpi_month_figures set value = value + 1 where metric = 'orders' and subject_id = 'north'",
        "delete from marts.kpi_month_figures where metric = 'calls' and subject_id = 'an'",
        "update marts.kpi_month_figures set month_date = date '2026-01-01' where metric = 'tasks_completed_late'",
    ),
    "month_figure_targets_are_the_targets": (
        "update marts.kpi_month_figures set target_value = target_value + 1 where subject_id = 'north'",
        "update marts.kpi_month_figures set value = value + 1 where metric = 'orders' and subject_id = 'an'",
        "update marts.kpi_month_figures set target_value = null where metric = 'orders'",
    ),
    "restatement_rows_add_up": (
        "delete from marts.fct_restatement_rows where detail_key = 'O5'",
        "delete from marts.fct_restatement_rows where change_kind = 'joined_department'",
        "update marts.kpi_restatement set difference_value = 1 where metric = 'orders' and subject_id = 'binh'",
    ),
}


@pytest.mark.parametrize(("name", "damage"), [(name, damage) for name, all_of in DAMAGE.items() for damage in all_of])
def test_a_damage_is_noticed(name: str, damage: str, in_march: Warehouse) -> None:
    in_march.connection.execute("begin")
    try:
        [(changed,)] = in_march.connection.execute(damage).fetchall()
        assert changed > 0
        assert list(in_march.failing_tests(only=name)) == [name]
    finally:
        in_march.connection.execute("rollback")


def test_every_test_about_frozen_months_has_its_damage() -> None:
    folder = DBT_PROJECT_DIR / "tests" / "marts" / "frozen"
    assert {path.stem for path in folder.glob("*.sql")} == set(DAMAGE)


def test_frozen_late_it_is_the_same(company: Company, tmp_path: Path) -> None:
    with company.built(FROZEN_ON) as warehouse:
        company.publish(warehouse, FROZEN_ON, tmp_path / "known.duckdb")
    copy = copy_month(tmp_path / "known.duckdb", FEBRUARY, 1)
    [first, *_] = company.store.versions()
    figures, behind = read_version(company.store, first)
    assert differences((figures, behind), (copy.figures, copy.rows)) == []
    assert (copy.figures, copy.rows) == (figures, behind)
    assert copy.facts.batches == first.batches
    # And a difference would be seen.
    assert differences((figures.slice(1), behind), (copy.figures, copy.rows))[0].only_other == 1


def test_freezing_again_adds_a_version_and_leaves_the_first(company: Company, in_march: Warehouse) -> None:
    before = company.bytes_of("2026-02/v1")
    with pytest.raises(FrozenError, match=r"2026-02 is frozen already: version 1 as of 2026-02-28.*--reason"):
        freeze_month(company.settings, FEBRUARY)
    unchanged = freeze_month(company.settings, FEBRUARY, reason="asked again")
    assert (unchanged.is_new, unchanged.version.version) == (False, 1)
    company.publish(in_march, LATER, company.settings.marts_path)
    frozen = freeze_month(company.settings, FEBRUARY, reason="late order, agreed", as_of=LATER)
    assert (frozen.is_new, frozen.version.version, frozen.version.place) == (True, 2, 2)
    assert company.bytes_of("2026-02/v1") == before
    assert company.store.problems() == []
    with company.built(LATER) as warehouse:
        assert warehouse.failing_tests() == {}
        assert rows(warehouse, "from marts.kpi_restatement") == []
        assert rows(
            warehouse,
            "select version, is_latest, as_of_date, reason, value from marts.kpi_monthly_snapshot "
            "where metric = 'revenue_amount' and subject_level = 'company' order by version",
        ) == [(1, False, FROZEN_ON, "first freeze", 350), (2, True, LATER, "late order, agreed", 410)]
    # A run as of the month's last day knows nothing of the second version.
    with company.built(FROZEN_ON) as warehouse:
        assert rows(warehouse, "select distinct version, is_latest from marts.kpi_monthly_snapshot") == [(1, True)]


def test_figures_that_are_not_their_rows_are_not_frozen(company: Company, in_march: Warehouse, tmp_path: Path) -> None:
    company.publish(in_march, LATER, tmp_path / "wrong.duckdb")
    with duckdb.connect(str(tmp_path / "wrong.duckdb")) as connection:
        connection.execute("update main.fct_orders set revenue_amount = revenue_amount + 1 where order_id = 'O4'")
    with pytest.raises(FrozenError, match=r"3 figures are not what their rows add up to \(company all, revenue_amount"):
        copy_month(tmp_path / "wrong.duckdb", FEBRUARY, 1)
