"""Every figure of the page's blocks against the marts of the demo company, person by person and for teams.

The marts are read whole and added up in plain Python, sharing no query with the page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pytest

from orchestration.report.blocks.activities import Group, Projects, TaskTypes
from orchestration.report.blocks.calls import CallMonth, Calls
from orchestration.report.blocks.cohorts import Cohort, Cohorts
from orchestration.report.blocks.conversion import Conversion
from orchestration.report.blocks.cycle import Cycle, Span
from orchestration.report.blocks.interactions import Contact, Interactions
from orchestration.report.blocks.journey import Journey
from orchestration.report.blocks.orders import Lot, Orders
from orchestration.report.blocks.persons import Ages, Gender
from orchestration.report.blocks.products import Product, Products
from orchestration.report.blocks.provinces import Provinces
from orchestration.report.blocks.sources import ConversionSources, Industries, Part, Sources
from orchestration.report.blocks.targets import Targets
from orchestration.report.blocks.tasks import Done, Ratings
from orchestration.report.months import months_back, previous_month
from orchestration.report.people import Person
from orchestration.report.publication import open_publication
from orchestration.report.reading import Filters, Member, Reading
from orchestration.serving.publish import publish
from tests.support.warehouse import demo_warehouse

Row = dict[str, Any]

# Windows of the seed: the shortest, one of weeks, one of days, the longest.
WINDOWS = (4, 28, 30, 84)


@dataclass(frozen=True)
class Company:
    """The published demo company: a connection whose viewer sees everybody, and the marts' rows behind the views."""

    connection: duckdb.DuckDBPyConnection
    as_of: date
    employees: Sequence[str]
    known: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def month(self) -> date:
        """The month of as_of."""
        return self.as_of.replace(day=1)

    @property
    def teams(self) -> list[Sequence[str]]:
        """Everybody alone, all together, and every third person."""
        return [*([one] for one in self.employees), self.employees, self.employees[::3]]

    def mart(self, name: str) -> list[Row]:
        """All rows of a mart, whoever is looking."""
        if name not in self.known:
            cursor = self.connection.execute(f"select * from marts.{name}")
            columns = [column[0] for column in cursor.description or ()]
            self.known[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return self.known[name]

    def rows(self, name: str, owner: str, ids: Sequence[str], **equal: Any) -> list[Row]:
        """The rows of some owners in which some columns have some values."""
        owners = set(ids)
        return [
            row
            for row in self.mart(name)
            if row[owner] in owners and all(row[column] == value for column, value in equal.items())
        ]

    def names(self, mart: str, key: str) -> dict[str, str]:
        """Names by id."""
        return {row[f"{key}_id"]: row[f"{key}_name"] for row in self.mart(mart)}

    def reading(self, ids: Sequence[str], filters: Filters | None = None) -> Reading:
        """What a block gets in order to read these people."""
        people = tuple(Person(one, one, None, None, None, True, False, "view_all") for one in ids)
        return Reading(self.connection, people, self.month, self.as_of, filters or Filters())


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    built = demo_warehouse(tmp_path_factory.getbasetemp())
    path: Path = tmp_path_factory.mktemp("report") / "marts.duckdb"
    publish(built.database, path, {"as_of": built.as_of, "source": "demo"})
    with duckdb.connect(str(built.database), read_only=True) as warehouse:
        viewers = warehouse.execute(
            """
            select viewer_email
            from core.core_employee_scope
            where report = 'employee'
            group by viewer_email
            having count(distinct employee_id) = (select count(*) from marts.dim_employees)
            order by viewer_email
            """
        ).fetchall()
        employees = warehouse.execute("select employee_id from marts.dim_employees order by employee_id").fetchall()
    with open_publication(path, viewers[0][0]) as connection:
        yield Company(connection, built.as_of, [employee for (employee,) in employees])


def total(rows: Iterable[Row], column: str) -> Any:
    """The sum of a column."""
    return sum(row[column] for row in rows)


def by(rows: Iterable[Row], key: str, *columns: str) -> dict[Any, tuple[Any, ...]]:
    """Sums of columns per key."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return {one: tuple(total(group, column) for column in columns) for one, group in groups.items()}


def kaplan_meier(followed: Sequence[tuple[int, bool]]) -> int | None:
    """The first day by which half have converted; who has not is still followed on the last day."""
    waiting = 1.0
    for day in sorted({days for days, _ in followed}):
        at_risk = sum(days >= day for days, _ in followed)
        waiting *= 1 - sum(done and days == day for days, done in followed) / at_risk
        if waiting <= 0.5 + 1e-9:
            return day
    return None


def test_the_blocks_of_a_month_add_up_to_the_conversion(company: Company) -> None:
    for ids in company.teams:
        reading = company.reading(ids)
        funnel = Conversion.read(reading).now
        orders, sources = Orders.read(reading), ConversionSources.read(reading).total
        assert orders.counted.orders == funnel.orders
        assert orders.returned.orders == funnel.returns
        assert orders.pending.orders == funnel.pending_orders
        assert orders.counted.amount + orders.returned.amount == funnel.revenue_amount
        assert sum(one.revenue_amount for one in Products.read(reading).products) == funnel.revenue_amount
        assert sources.revenue_split_amount == funnel.revenue_amount
        assert sources.customers_split == funnel.new_customers
        assert sum(one.interactions for one in Interactions.read(reading).types) == funnel.interactions
        assert sum(one.created for one in Projects.read(reading).groups) == funnel.activities
        assert sum(one.created for one in TaskTypes.read(reading).groups) == funnel.activities
    assert funnel.orders > 0


def test_conversion_by_source(company: Company) -> None:
    names = company.names("dim_sources", "source")
    columns = ("new_customers", "new_customers_split", "revenue_amount", "revenue_split_amount")
    compared = 0
    for ids in company.teams:
        rows = company.rows("fct_funnel_by_source", "employee_id", ids, month_date=company.month)
        expected = [Part(key, names[key], *figures) for key, figures in by(rows, "source_id", *columns).items()]
        parts = ConversionSources.read(company.reading(ids)).parts
        assert set(parts) == {part for part in expected if part.customers or part.revenue_amount}
        compared += len(parts)
    assert compared > 50


def test_customers_by_source_and_industry(company: Company) -> None:
    columns = ("customers", "customers_split", "revenue_amount", "revenue_split_amount")
    kinds = (("source", Sources, "dim_sources"), ("industry", Industries, "dim_industries"))
    for dimension, kind, mart in kinds:
        names = company.names(mart, dimension)
        for ids in company.teams:
            rows = company.rows("kpi_customer_structure", "manager_id", ids, dimension=dimension)
            expected = {Part(key, names[key], *figures) for key, figures in by(rows, "member_id", *columns).items()}
            parts = kind.read(company.reading(ids)).parts
            assert set(parts) == expected
            assert [part.customers for part in parts] == sorted((part.customers for part in parts), reverse=True)


def test_activities(company: Company) -> None:
    columns = ("tasks_created", "tasks_completed", "tasks_late")
    for kind, key, mart in ((Projects, "project", "dim_projects"), (TaskTypes, "task_type", "dim_task_types")):
        names = company.names(mart, key)
        for ids in company.teams:
            rows = company.rows("fct_task_status", "employee_id", ids, month_date=company.month)
            expected = {Group(one, names[one], *figures) for one, figures in by(rows, f"{key}_id", *columns).items()}
            assert set(kind.read(company.reading(ids)).groups) == expected


def test_provinces(company: Company) -> None:
    columns = ("row_type", "province_id", "province_name", "provinces", "customers")
    for ids in company.teams:
        rows = Provinces.read(company.reading(ids)).rows
        customers = company.rows("kpi_customer_structure", "manager_id", ids, dimension="province")
        assert sum(row.customers for row in rows) == total(customers, "customers")
        named = by((row for row in customers if row["member_id"] not in ("none", "unknown")), "member_id", "customers")
        ranked = sorted((count for (count,) in named.values()), reverse=True)
        assert [row.customers for row in rows if row.row_type == "province"] == ranked[:5]
        assert sum(row.provinces for row in rows) == len(named)
        if len(ids) == 1:
            top = sorted(company.rows("kpi_province_top", "manager_id", ids), key=lambda row: row["sort_order"])
            shown = [(row.row_type, row.province_id, row.name, row.provinces, row.customers) for row in rows]
            assert shown == [tuple(row[column] for column in columns) for row in top]
            assert Provinces.read(company.reading([*ids, "nobody"])).rows == rows, "the team's rule over one person"


def test_gender_and_ages(company: Company) -> None:
    for ids in company.teams:
        rows = company.rows("kpi_customer_structure", "manager_id", ids)
        per_dimension: dict[str, Counter[str]] = defaultdict(Counter)
        for row in rows:
            counted = row["persons"] if row["dimension"] == "contact_age_band" else row["customers"]
            per_dimension[row["dimension"]][row["member_id"]] += counted
        assert dict(Gender.read(company.reading(ids)).customers) == per_dimension["gender"]
        customers, persons = per_dimension["age_band"], per_dimension["contact_age_band"]
        bands = {band.name: (band.customers, band.persons) for band in Ages.read(company.reading(ids)).bands}
        assert bands == {name: (customers[name], persons[name]) for name in customers.keys() | persons.keys()}
    assert len(bands) > 4


def test_interactions_and_calls(company: Company) -> None:
    before = previous_month(company.month)
    for ids in company.teams:
        rows = company.rows("kpi_interactions_by_type", "employee_id", ids, month_date=company.month)
        now = by(rows, "interaction_type", "interactions", "interactions_logged", "interacted_customers")
        past = company.rows("kpi_interactions_by_type", "employee_id", ids, month_date=before)
        then = by(past, "interaction_type", "interactions")
        reached: dict[str, set[str]] = defaultdict(set)
        for row in company.rows("fct_interactions", "employee_id", ids, month_date=company.month, is_counted=True):
            reached[row["interaction_type"]].add(row["customer_id"])
        types = {one.name: one for one in Interactions.read(company.reading(ids)).types}
        nothing = (0, 0, 0)
        assert types == {
            name: Contact(
                name,
                now.get(name, nothing)[0],
                then.get(name, nothing)[0],
                now.get(name, nothing)[1],
                len(reached[name]),
            )
            for name in now.keys() | then.keys()
        }
        if len(ids) == 1:
            assert {name: one.interacted_customers for name, one in types.items() if name in now} == {
                name: figures[2] for name, figures in now.items()
            }
        months = [
            [
                row
                for row in company.rows("kpi_call_day", "employee_id", ids)
                if row["occurred_date"].replace(day=1) == one
            ]
            for one in (company.month, before)
        ]
        calls = [CallMonth(*(total(rows, column.name) for column in fields(CallMonth))) for rows in months]
        assert Calls.read(company.reading(ids)) == Calls(*calls)


def test_orders_and_products(company: Company) -> None:
    names = company.names("dim_products", "product")
    columns = ("orders", "returns", "sold_quantity", "revenue_amount")
    kinds: Sequence[tuple[str, Callable[[Row], bool], str]] = (
        ("counted", lambda row: row["orders"] == 1, "revenue_amount"),
        ("returned", lambda row: row["returns"] == 1, "revenue_amount"),
        ("pending", lambda row: row["pending_orders"] == 1, "pending_revenue_amount"),
        ("left_out", lambda row: not row["orders"] + row["returns"] + row["pending_orders"], "billed_amount"),
    )
    for ids in company.teams:
        orders = company.rows("fct_orders", "executor_id", ids, month_date=company.month)
        block = Orders.read(company.reading(ids))
        for name, belongs, amount in kinds:
            found = [row for row in orders if belongs(row)]
            assert getattr(block, name) == Lot(len(found), total(found, amount)), name
        largest = sorted((-row["revenue_amount"], row["order_id"]) for row in orders if row["orders"] == 1)[:5]
        assert [(-sale.revenue_amount, sale.order_id) for sale in block.largest] == largest
        sales = company.rows("fct_product_sales", "executor_id", ids, month_date=company.month)
        expected = {Product(key, names[key], *figures) for key, figures in by(sales, "product_id", *columns).items()}
        assert set(Products.read(company.reading(ids)).products) == expected


def test_ratings_and_cohorts(company: Company) -> None:
    stars = ("tasks_confirmed", "rated_tasks", "total_rating", "total_rating_with_default")
    steps = ("customers", "with_interaction", "with_task", "with_order", "with_payment", "revenue_amount")
    first = months_back(company.month, 5)
    for ids in company.teams:
        reading = company.reading(ids)
        ratings = Ratings.read(reading)
        for done, month in ((ratings.now, company.month), (ratings.before, previous_month(company.month))):
            rows = company.rows("kpi_task_month", "employee_id", ids, month_date=month)
            assert done == Done(*(total(rows, column) for column in stars))
        cohorts = by(company.rows("kpi_cohort_funnel", "manager_id", ids), "cohort_month_date", *steps)
        expected = {Cohort(month, *one) for month, one in cohorts.items() if first <= month <= company.month}
        assert set(Cohorts.read(reading).cohorts) == expected
    assert len(expected) == 6


def test_targets(company: Company) -> None:
    rated = 0
    for ids in company.teams:
        rows = [
            row
            for row in company.rows("kpi_target_attainment", "employee_id", ids, department_id="none")
            if row["period_start"] <= company.as_of and row["period_end"] >= company.month
        ]
        known = [row for row in rows if row["actual_value"] is not None]
        targets = Targets.read(company.reading(ids)).targets
        assert sum(one.without_actual for one in targets) == len(rows) - len(known)
        per_metric = by(known, "metric", "target_number", "target_value", "actual_value")
        assert {one.metric: (one.people, one.target, one.actual) for one in targets if one.people} == per_metric
        assert sum(one.reached for one in targets) == sum((row["attainment_rate"] or 0) >= 1 for row in known)
        if len(ids) == 1:
            rates = {row["metric"]: row["attainment_rate"] for row in known}
            assert {one.metric: one.rate for one in targets if one.people} == pytest.approx(rates)
            weighted = sum(one.weighted_rate or 0 for one in targets)
            assert weighted == pytest.approx(sum(row["weighted_rate"] or 0 for row in rows))
            rated += len(rates)
    assert rated > 50


def spans(block: Cycle) -> dict[tuple[str, str], Span]:
    """All spans of a block by its table and their name."""
    tables = {"relationship": block.to_relationships, "source": block.by_source, "now": block.by_relationship}
    named = {(table, one.name): one for table, ones in tables.items() for one in ones}
    return named if block.to_order is None else {("order", "order"): block.to_order, **named}


@pytest.mark.parametrize("window", WINDOWS)
def test_the_cycle_of_one_person_is_the_marts(company: Company, window: int) -> None:
    sources = company.names("dim_sources", "source")
    relationships = company.names("dim_relationships", "relationship")
    compared = 0
    for employee in company.employees:
        expected: dict[tuple[str, str], Row] = {}
        for row in company.rows("kpi_customer_cycle", "manager_id", [employee], window_days=window):
            if row["result_type"] == "relationship" and row["breakdown"] == "all":
                expected["relationship", relationships[row["result_id"]]] = row
            elif row["result_type"] == "order" and row["breakdown"] == "all":
                expected["order", "order"] = row
            elif row["result_type"] == "order" and row["breakdown"] == "source":
                expected["source", sources[row["member_id"]]] = row
            elif row["result_type"] == "order":
                expected["now", relationships[row["member_id"]]] = row
        block = Cycle.read(company.reading([employee], Filters(window_days=window)))
        shown = spans(block)
        assert shown.keys() == expected.keys()
        # The same customers again, in the table of all windows.
        again = [replace(one, name="order") for one in block.by_window if one.name == str(window)]
        assert again == ([block.to_order] if block.to_order else [])
        for key, span in shown.items():
            for column in ("counted_customers", "converted", "total_days", "excluded_negative", "km_median_days"):
                assert getattr(span, column) == expected[key][column], (employee, key, column)
            assert span.mean_days == pytest.approx(expected[key]["mean_days"])
            assert span.median_days == pytest.approx(expected[key]["median_days"])
        compared += len(shown)
    # Few customers are new in four days.
    assert compared > (30 if window == 4 else 50)


@pytest.mark.parametrize("window", [20, 45, 83])
def test_the_cycle_of_a_team_and_of_any_window_is_that_of_its_customers(company: Company, window: int) -> None:
    of_source = [row for row in company.mart("fct_cycle_members") if row["breakdown"] == "source"]
    ((source, _),) = Counter(row["member_id"] for row in of_source).most_common(1)
    chosen = {row["customer_id"] for row in of_source if row["member_id"] == source}
    first = company.as_of - timedelta(days=window - 1)
    compared = 0
    for ids in company.teams:
        everybody = [
            row
            for row in company.rows("fct_customer_cycle", "manager_id", ids, result_type="order")
            if first <= row["created_date"] <= company.as_of
        ]
        for picked in (None, Member(source, source)):
            rows = [row for row in everybody if picked is None or row["customer_id"] in chosen]
            counted = [row for row in rows if not row["has_negative_duration"]]
            days = [row["days_to_event"] for row in counted if row["is_converted"]]
            waited = [row["days_observed"] for row in counted if not row["is_converted"]]
            followed = [*((one, True) for one in days), *((one, False) for one in waited)]
            expected = Span(
                "order",
                len(counted),
                len(days),
                sum(days),
                median(days) if days else None,
                kaplan_meier(followed),
                len(rows) - len(counted),
            )
            block = Cycle.read(company.reading(ids, Filters(window_days=window, source=picked)))
            assert block.to_order == (expected if rows else None)
            compared += len(days)
    assert compared > 0


def test_the_journey(company: Company) -> None:
    names = company.names("dim_relationships", "relationship")
    window = 45
    first = company.as_of - timedelta(days=window - 1)
    recent = [
        row
        for row in company.mart("fct_journey")
        if row["as_of_date"] == company.as_of
        and row["created_date"] is not None
        and first <= row["created_date"] <= company.as_of
    ]
    columns = (
        "customers",
        "total_open_days",
        "closed_stays",
        "total_closed_days",
        "moves_in",
        "moves_out",
        "moves_forward",
        "moves_backward",
        "moves_skipping",
    )
    for ids in company.teams:
        rows = company.rows("kpi_journey_time", "manager_id", ids)
        shown = {one.name: one for one in Journey.read(company.reading(ids, Filters(window_days=window))).stages}
        expected = by(rows, "relationship_id", *columns)
        created = by((row for row in recent if row["manager_id"] in set(ids)), "relationship_id", "customers")
        here, gone = defaultdict(list), defaultdict(list)
        for row in company.rows("fct_customer_stages", "manager_id", ids):
            here[row["relationship_id"]].append(row["days_in_stage"])
        for row in company.rows("fct_relationship_stays", "manager_id", ids, has_moved_on=True):
            gone[row["relationship_id"]].append(row["days_in_stage"])
        assert shown.keys() == {names[key] for key in expected}
        for key, figures in expected.items():
            stage = shown[names[key]]
            assert tuple(getattr(stage, column) for column in columns) == figures
            assert (stage.created_in_window,) == created.get(key, (0,))
            assert stage.median_open_days == (median(here[key]) if here[key] else None)
            assert stage.median_closed_days == (median(gone[key]) if gone[key] else None)
        for row in rows if len(ids) == 1 else ():
            stage = shown[names[row["relationship_id"]]]
            for column in ("mean_open_days", "median_open_days", "mean_closed_days", "median_closed_days"):
                assert getattr(stage, column) == pytest.approx(row[column])
