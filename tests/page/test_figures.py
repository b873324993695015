"""Every figure of a page's file against the marts, read here with plain SQL that shares nothing with the page.

Three viewers of the demo company: one who sees only the own page, one with a team, and one who sees everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.page.collect import TEAM
from orchestration.page.drill import DRILLS, Drill, Way
from orchestration.page.rows import LISTS
from orchestration.page.runtime import library_path
from orchestration.page.write import Folder, page_viewers, write_page
from orchestration.report.block_names import BlockName
from orchestration.report.tour import choose_tour
from tests.page.reading import File, take_apart

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Looked:
    """One viewer's file beside the marts it was made from."""

    file: File
    marts: duckdb.DuckDBPyConnection
    as_of: date

    @property
    def months(self) -> list[str]:
        """Every month of the file."""
        return [one["month"] for one in self.file.head["months"]]

    @property
    def subjects(self) -> list[str]:
        """The team, and of the people the first few."""
        return [one["id"] for one in self.file.head["subjects"]][:5]

    def ids(self, subject: str) -> list[str]:
        """Whose rows are added up."""
        people = [one["id"] for one in self.file.head["subjects"] if one["id"] != TEAM]
        return people if subject == TEAM else [subject]

    def ask(self, query: str, subject: str, **values: object) -> list[Row]:
        """The rows of a query over the marts; `$ids` are the people."""
        return self.marts.execute(query, {"ids": self.ids(subject), **values}).fetchall()

    def pages(self) -> Iterator[tuple[str, str]]:
        """Some subjects, each in the first, the newest and two months between."""
        months = self.months
        for subject in self.subjects:
            for month in sorted({months[0], months[len(months) // 2], months[-2], months[-1]}):
                yield subject, month


@pytest.fixture(scope="module")
def folder(small_publication: Path, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("figures")
    library_path(path).write_text("globalThis.vegaEmbed = null;", encoding="utf-8")
    return Folder(small_publication, path / "pages", path)


@pytest.fixture(scope="module", params=["salesperson", "manager", "everybody"])
def looked(request: pytest.FixtureRequest, folder: Folder) -> Iterator[Looked]:
    tour = choose_tour(folder.marts_path)
    with duckdb.connect(str(folder.marts_path), read_only=True) as marts:
        (director,) = marts.execute(
            """
            select lower(viewer_email) from core.core_employee_scope where report = 'employee'
            group by viewer_email order by count(distinct employee_id) desc, viewer_email limit 1
            """
        ).fetchone() or ("",)
        emails = {"salesperson": tour.salesperson_email, "manager": tour.manager_email, "everybody": director}
        (as_of,) = marts.execute("select as_of from main.publication").fetchone() or (date.min,)
        yield Looked(take_apart(write_page(folder, emails[request.param]).path), marts, as_of)


def number(cell: str) -> Decimal | None:
    """`1,234.5` as a number; None for a dash or a blank."""
    text = cell.replace(",", "").replace("*", "").strip()
    return None if text in ("", "–") else Decimal(text)


def numbers(cells: Sequence[str]) -> list[Decimal | None]:
    return [number(cell) for cell in cells]


def percent(part: Any, whole: Any) -> str:
    """A share as a person would work it out."""
    if not whole:
        return "–"
    return f"{(Decimal(100) * Decimal(part) / Decimal(whole)).quantize(Decimal('0.1'), ROUND_HALF_EVEN)}%"


def first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def before(month: str) -> date:
    return (first(month) - timedelta(days=1)).replace(day=1)


def rounded(value: Any) -> Decimal:
    return Decimal(value).quantize(Decimal(1), ROUND_HALF_EVEN)


CONVERSION = {
    "1 New customers": "new_customers",
    "assigned, by hand too": "customers_assigned",
    "in charge, month end": "customers_in_charge",
    "2 Interactions": "interactions",
    "3 Activities (tasks)": "activities",
    "4 Orders": "orders",
    "returned": "returns",
    "pending, not counted": "pending_orders",
    "5 Revenue": "revenue_amount",
    "sales, before discounts": "sales_amount",
    "collected, by payment": "collected_amount",
}


def test_conversion_and_its_ratios(looked: Looked) -> None:
    compared = 0
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in CONVERSION.values())
    query = f"select {sums} from main.fct_funnel where month_date = $month and list_contains($ids, employee_id)"
    for subject, month in looked.pages():
        now = dict(zip(CONVERSION.values(), looked.ask(query, subject, month=first(month))[0], strict=True))
        past = dict(zip(CONVERSION.values(), looked.ask(query, subject, month=before(month))[0], strict=True))
        table = looked.file.table(subject, "conversion", month)
        if not table:
            assert not any([*now.values(), *past.values()])
            continue
        shown = {row[0]: numbers(row[1:3]) for row in table}
        for label, column in CONVERSION.items():
            if label in shown:
                assert [number(f"{value:.0f}") for value in (now[column], past[column])] == [
                    rounded(value or 0) for value in shown[label]
                ], (subject, month, label)
                compared += 1
            else:
                assert column in ("returns", "pending_orders")
                assert not any([now[column], past[column]])
        for _, value, division in looked.file.table(subject, "ratios", month):
            top, bottom = (number(part) for part in division.removeprefix("= ").split(" / "))
            assert top is not None
            assert bottom is not None
            assert {rounded(top), rounded(bottom)} <= {rounded(value) for value in now.values()}
            if bottom:
                quotient = number(value)
                assert quotient is not None
                assert abs(top / bottom - quotient) <= (Decimal("0.0005") if quotient < 1000 else Decimal("0.51"))
            else:
                assert value == "–"
    assert compared > 30


def test_the_team_is_exactly_the_people_shown(looked: Looked) -> None:
    if TEAM not in looked.file.parts:
        assert len(looked.file.head["subjects"]) == 1
        return
    for month in (looked.months[-1], looked.months[-2]):
        *people, total = looked.file.table(TEAM, "team", month)
        rows = looked.ask(
            """
            select people.full_name, funnel.new_customers, funnel.customers_in_charge, funnel.interactions,
                funnel.activities, funnel.orders, funnel.revenue_amount, funnel.sales_amount, funnel.collected_amount
            from main.fct_funnel as funnel inner join main.dim_employees as people using (employee_id)
            where month_date = $month and list_contains($ids, employee_id)
            """,
            TEAM,
            month=first(month),
        )
        expected = sorted((row[0], *map(rounded, row[1:])) for row in rows if any(row[1:]))
        names = [
            (row[0].removesuffix(" (inactive)"), *(rounded(value or 0) for value in numbers(row[1:]))) for row in people
        ]
        assert sorted(name for name in names) == expected
        assert [rounded(value or 0) for value in numbers(total[1:])] == [
            sum(column) for column in list(zip(*expected, strict=True))[1:]
        ]


TASK_COLUMNS = (
    "tasks_new",
    "tasks_in_progress",
    "tasks_awaiting_confirmation",
    "tasks_late",
    "tasks_completed",
    "tasks_completed_late",
    "tasks_cancelled",
    "tasks_created",
)


def test_tasks_activities_and_ratings(looked: Looked) -> None:
    compared = 0
    for subject, month in looked.pages():
        where = "where month_date = $month and list_contains($ids, employee_id)"
        sums = ", ".join(f"coalesce(sum({column}), 0)" for column in TASK_COLUMNS)
        (counts,) = looked.ask(f"select {sums} from main.fct_task_status {where}", subject, month=first(month))
        table = looked.file.table(subject, "tasks", month)
        assert [number(row[1]) for row in table] == (list(counts) if counts[-1] else [])
        assert [row[2] for row in table[:-1]] == [percent(part, counts[-1]) for part in counts[:-1] if table]
        for block, key in (("projects", "project"), ("task-types", "task_type")):
            groups = looked.ask(
                f"""
                select coalesce(max(names.{key}_name), tasks.{key}_id), sum(tasks_created), sum(tasks_completed),
                    sum(tasks_late)
                from main.fct_task_status as tasks left join main.dim_{key}s as names using ({key}_id)
                where month_date = $month and list_contains($ids, employee_id) group by tasks.{key}_id
                having sum(tasks_created) > 0
                """,
                subject,
                month=first(month),
            )
            shown = looked.file.table(subject, block, month)
            assert {(row[0], *numbers([row[1], row[3], row[4]])) for row in shown[:-1]} == {
                (name, *map(Decimal, values)) for name, *values in groups
            }
            compared += len(groups)
        (done,) = looked.ask(
            f"""
            select coalesce(sum(tasks_confirmed), 0), coalesce(sum(rated_tasks), 0), sum(total_rating),
                sum(total_rating_with_default)
            from main.kpi_task_month {where}
            """,
            subject,
            month=first(month),
        )
        ratings = looked.file.table(subject, "ratings", month)
        if ratings:
            assert numbers([row[1] for row in ratings[:2]]) == list(done[:2])
            means = [number(row[1]) for row in ratings[2:]]
            for mean, (stars, of) in zip(means, ((done[2], done[1]), (done[3], done[0])), strict=True):
                assert mean == (Decimal(f"{int(stars) / int(of):.2f}") if of else None)
    assert compared > 10


def test_interactions_calls_and_moves(looked: Looked) -> None:
    compared = 0
    for subject, month in looked.pages():
        rows = looked.ask(
            """
            select interaction_type, sum(interactions), sum(interactions_logged)
            from main.kpi_interactions_by_type where month_date = $month and list_contains($ids, employee_id)
            group by interaction_type
            """,
            subject,
            month=first(month),
        )
        reached: dict[str, int] = dict(
            looked.ask(
                """
                select interaction_type, count(distinct customer_id) from main.fct_interactions
                where month_date = $month and is_counted and list_contains($ids, employee_id) group by interaction_type
                """,
                subject,
                month=first(month),
            )
        )
        items = looked.file.block(subject, "interactions", month).get("items", ())
        shown = looked.file.table(subject, "interactions", month)
        found = {
            key: numbers([row[1], row[4], row[5]])
            for key, row in zip(items[0]["keys"] if items else (), shown, strict=False)
        }
        for kind, interactions, logged in rows:
            assert found[kind] == [interactions, reached.get(kind, 0), logged]
            compared += 1
        (calls,) = looked.ask(
            """
            select coalesce(sum(calls), 0), coalesce(sum(calls_outbound), 0), coalesce(sum(calls_inbound), 0),
                coalesce(sum(calls_connected), 0), coalesce(sum(calls_missed), 0), coalesce(sum(calls_failed), 0)
            from main.kpi_call_day
            where date_trunc('month', occurred_date) = $month and list_contains($ids, employee_id)
            """,
            subject,
            month=first(month),
        )
        table = looked.file.table(subject, "calls", month)
        assert numbers([row[1] for row in table[:6]]) == (list(calls) if table else [])
        assert table or not calls[0]
        moves = looked.ask(
            """
            select starts.relationship_name || ' → ' || ends.relationship_name, count(*)
            from main.fct_relationship_moves as moves
            inner join main.dim_relationships as starts on moves.from_relationship_id = starts.relationship_id
            inner join main.dim_relationships as ends on moves.to_relationship_id = ends.relationship_id
            where month_date = $month and list_contains($ids, manager_id) group by 1
            """,
            subject,
            month=first(month),
        )
        pairs = {row[0]: number(row[2]) for row in looked.file.table(subject, "moves", month)}
        assert pairs.items() <= dict(moves).items()
        assert len(pairs) == min(len(moves), 10)
    assert compared > 10


def test_orders_and_products(looked: Looked) -> None:
    compared = 0
    for subject, month in looked.pages():
        rows = looked.ask(
            """
            select orders, returns, pending_orders, revenue_amount, pending_revenue_amount, billed_amount, order_code
            from main.fct_orders where month_date = $month and list_contains($ids, executor_id)
            order by revenue_amount desc, order_id
            """,
            subject,
            month=first(month),
        )
        counted, returned = [row for row in rows if row[0]], [row for row in rows if row[1]]
        pending = [row for row in rows if row[2]]
        others = [row for row in rows if not (row[0] or row[1] or row[2])]
        lots: list[tuple[int | None, Any]] = [
            (len(counted), sum(row[3] for row in counted)),
            (len(returned), sum(row[3] for row in returned)),
        ]
        lots += [(None, lots[0][1] + lots[1][1])]
        lots += [(len(pending), sum(row[4] for row in pending)), (len(others), sum(row[5] for row in others))]
        table = looked.file.table(subject, "orders", month)
        assert [(number(row[1]), rounded(number(row[2]) or 0)) for row in table] == (
            [(count, rounded(amount)) for count, amount in lots] if rows else []
        )
        if counted:
            largest = looked.file.table(subject, "orders", month, 1)
            assert [row[0] for row in largest] == [row[6] for row in counted[:5]]
            assert [rounded(number(row[-1]) or 0) for row in largest] == [rounded(row[3]) for row in counted[:5]]
        products = looked.ask(
            """
            select names.product_name, sum(orders), sum(returns), sum(sold_quantity), sum(revenue_amount)
            from main.fct_product_sales as sales inner join main.dim_products as names using (product_id)
            where month_date = $month and list_contains($ids, executor_id) group by names.product_name
            """,
            subject,
            month=first(month),
        )
        expected = {name: [*map(Decimal, values)] for name, *values in products}
        shown = looked.file.table(subject, "products", month)
        for name, *cells in shown[:-1]:
            if not name.startswith("Other ("):
                assert numbers(cells[:3]) == expected[name][:3]
                assert rounded(number(cells[3]) or 0) == rounded(expected[name][3])
                compared += 1
        if shown:
            assert rounded(number(shown[-1][4]) or 0) == rounded(sum(values[3] for values in expected.values()))
    assert compared > 5


def test_cohorts_and_conversion_by_source(looked: Looked) -> None:
    compared = 0
    for subject, month in looked.pages():
        rows = looked.ask(
            """
            select strftime(cohort_month_date, '%Y-%m'), sum(customers), sum(with_interaction), sum(with_task),
                sum(with_order), sum(with_payment), sum(revenue_amount)
            from main.kpi_cohort_funnel
            where list_contains($ids, manager_id)
                and cohort_month_date <= $month and cohort_month_date > $month::date - interval 6 month
            group by cohort_month_date order by cohort_month_date desc
            """,
            subject,
            month=first(month),
        )
        table = looked.file.table(subject, "cohorts", month)
        expected = [
            [name, f"{customers:,}", *(f"{part:,} {percent(part, customers)}" for part in parts), f"{amount:,.0f}"]
            for name, customers, *parts, amount in rows
        ]
        assert [[" ".join(cell.split()) for cell in row[:-1]] for row in table[:-1]] == [row[:-1] for row in expected]
        sources = looked.ask(
            """
            select names.source_name, sum(new_customers), sum(new_customers_split), sum(revenue_amount)
            from main.fct_funnel_by_source as funnel inner join main.dim_sources as names using (source_id)
            where month_date = $month and list_contains($ids, employee_id) group by names.source_name
            """,
            subject,
            month=first(month),
        )
        known = {name: values for name, *values in sources}
        for name, *cells in looked.file.table(subject, "conversion-sources", month)[:-1]:
            if not name.startswith("Other ("):
                assert number(cells[0]) == known[name][0]
                assert abs((number(cells[1]) or 0) - Decimal(known[name][1])) < Decimal("0.0051")
                assert rounded(number(cells[2]) or 0) == rounded(known[name][2])
                compared += 1
    assert compared > 10


def structure(looked: Looked, subject: str, dimension: str, names: str = "", key: str = "") -> dict[str, list[Any]]:
    named = f"coalesce(names.{key}_name, member_id)" if names else "member_id"
    join = f"left join main.{names} as names on structure.member_id = names.{key}_id" if names else ""
    rows = looked.ask(
        f"""
        select {named}, sum(customers), sum(customers_split), sum(persons), sum(revenue_amount)
        from main.kpi_customer_structure as structure {join}
        where dimension = $dimension and list_contains($ids, manager_id) group by 1
        """,
        subject,
        dimension=dimension,
    )
    return {name: values for name, *values in rows}


def test_customers_now(looked: Looked) -> None:
    month = looked.months[-1]
    compared = 0
    for subject in looked.subjects:
        for block, dimension in (("sources", "source"), ("industries", "industry")):
            expected = structure(looked, subject, dimension, f"dim_{block}", dimension)
            for name, *cells in looked.file.table(subject, block, month)[:-1]:
                if not name.startswith("Other ("):
                    assert number(cells[0]) == expected[name][0]
                    assert rounded(number(cells[2]) or 0) == rounded(expected[name][3])
                    compared += 1
        provinces = structure(looked, subject, "province", "dim_provinces", "province")
        shown = looked.file.table(subject, "provinces", month)
        for name, *cells in shown[:-1]:
            if not name.startswith("Other ("):
                assert number(cells[0]) == provinces[name][0]
        assert number(shown[-1][1]) == sum(values[0] for values in provinces.values()) if shown else not provinces
        total = number(shown[-1][1]) if shown else 0
        for block, mapped in (("gender", "gender"), ("ages", "age_band")):
            expected = structure(looked, subject, mapped)
            items = looked.file.block(subject, block, month).get("items", ())
            table = looked.file.table(subject, block, month)
            for key, row in zip(items[0]["keys"] if items else (), table, strict=False):
                assert number(row[1]) == expected.get(key, [0])[0]
                assert row[2] == percent(expected.get(key, [0])[0], total)
                compared += 1
        persons = structure(looked, subject, "contact_age_band")
        ages = looked.file.table(subject, "ages", month)
        assert not ages or number(ages[-1][3]) == sum(values[2] for values in persons.values())
        recency: dict[str, int] = dict(
            looked.ask(
                """
                select care_recency_bucket, count(*) from main.dim_customer_cohort
                where not is_deleted and list_contains($ids, manager_id) group by 1
                """,
                subject,
            )
        )
        items = looked.file.block(subject, "recency", month).get("items", ())
        table = looked.file.table(subject, "recency", month)
        assert {
            key: number(row[1]) for key, row in zip(items[0]["keys"] if items else (), table, strict=False)
        } == recency
        assert not table or number(table[-1][1]) == sum(recency.values()) == total
    assert compared > 10


def test_relationships_journey_and_cycle(looked: Looked) -> None:
    compared = 0
    names = dict(
        looked.marts.execute("select relationship_id, relationship_name from main.dim_relationships").fetchall()
    )
    for subject, month in looked.pages():
        block = looked.file.block(subject, "relationships", month)
        for at, day in enumerate(block.get("dates", ())):
            stock: dict[str, Any] = dict(
                looked.ask(
                    """
                    select relationship_id, sum(customers) from main.fct_journey
                    where as_of_date = $day and list_contains($ids, manager_id) group by 1
                    """,
                    subject,
                    day=date.fromisoformat(day),
                )
            )
            shown = {row[0]: number(row[at + 1]) for row in looked.file.table(subject, "relationships", month)}
            assert shown.pop("Total") == sum(stock.values())
            assert {name: value for name, value in shown.items() if value} == {
                names[one]: value for one, value in stock.items()
            }
            compared += 1
    for subject in looked.subjects:
        month = looked.months[-1]
        stages = looked.ask(
            """
            select relationship_id, sum(customers), sum(moves_in), sum(moves_out), sum(moves_forward),
                sum(moves_backward), sum(total_open_days), sum(closed_stays)
            from main.kpi_journey_time where list_contains($ids, manager_id) group by 1
            """,
            subject,
        )
        table = {row[0]: numbers([row[1], *row[4:]]) for row in looked.file.table(subject, "journey", month)}
        days = {row[0]: row for row in looked.file.table(subject, "journey", month, 1)}
        for one, customers, *moves, open_days, closed in stages:
            assert table[names[one]] == [customers, *moves]
            mean = number(days[names[one]][2])
            assert mean == (Decimal(f"{int(open_days) / int(customers):.1f}") if customers else None)
            assert number(days[names[one]][4]) == closed
        if subject == TEAM:
            continue
        cycle = looked.ask(
            """
            select result_type, result_id, counted_customers, converted, mean_days, median_days, km_median_days
            from main.kpi_customer_cycle
            where list_contains($ids, manager_id) and window_days = 84 and breakdown = 'all' and counted_customers > 0
            """,
            subject,
        )
        shown_cycle = {
            row[0]: numbers([row[1], row[2], *row[4:]]) for row in looked.file.table(subject, "cycle", month)
        }
        for kind, result, counted, converted, mean_days, median, km in cycle:
            label = "first order" if kind == "order" else f"→ {names[result]}"
            expected = [None if value is None else Decimal(f"{value:.1f}") for value in (mean_days, median)]
            assert shown_cycle[label] == [counted, converted, *expected, km], (subject, label)
            compared += 1
        windows = looked.ask(
            """
            select window_days, counted_customers, converted, mean_days, median_days, km_median_days
            from main.kpi_customer_cycle
            where list_contains($ids, manager_id) and result_type = 'order' and breakdown = 'all'
                and counted_customers > 0
            """,
            subject,
        )
        last = looked.file.table(subject, "cycle", month, 3)
        shown_windows = {row[0]: numbers([row[1], row[2], *row[4:]]) for row in last}
        for days, counted, converted, mean_days, median, km in windows:
            expected = [None if value is None else Decimal(f"{value:.1f}") for value in (mean_days, median)]
            assert shown_windows[f"the last {days} days"] == [counted, converted, *expected, km], (subject, days)
            compared += 1
    assert compared > 30


def test_targets(looked: Looked) -> None:
    compared = 0
    for subject, month in looked.pages():
        rows = looked.ask(
            """
            select metric, sum(target_value) filter (where actual_value is not null),
                sum(actual_value), count(actual_value)
            from main.kpi_target_attainment
            where department_id = 'none' and list_contains($ids, employee_id)
                and period_start <= last_day($month::date) and period_end >= $month
            group by metric, direction, period_start, period_end
            """,
            subject,
            month=first(month),
        )
        items = looked.file.block(subject, "targets", month).get("items", ())
        table = looked.file.table(subject, "targets", month)
        shown = sorted(
            (key, *numbers(row[-4:-2])) for key, row in zip(items[0]["keys"] if items else (), table, strict=False)
        )
        expected = sorted(
            (name, *(None if not people else value for value in values)) for name, *values, people in rows
        )
        assert [(name, *(None if one is None else rounded(one) for one in values)) for name, *values in shown] == [
            (name, *(None if one is None else rounded(one) for one in values)) for name, *values in expected
        ]
        compared += len(rows)
    assert compared > 10


# -- rows behind the figures -------------------------------------------------------------------------------------------


def behind(looked: Looked, subject: str, month: str, way: Way, key: str) -> list[Row] | None:
    """The rows a click shows; None where the file does not hold all of them."""
    kind = LISTS[way.list_name]
    listed = looked.file.parts[subject]["lists"][way.list_name].get(month if kind.is_monthly else "now")
    if listed is None:
        return []
    if len(listed["rows"]) < listed["total"]:
        return None
    if way.field is None:
        return list(listed["rows"])
    at = [field.name for field in kind.fields].index(way.field)
    wanted = set(way.values or (key,))
    return [row for row in listed["rows"] if wanted & set(row[at] if isinstance(row[at], list) else [row[at]])]


def drilled(looked: Looked) -> Iterator[tuple[str, str, BlockName, Drill, Way, str, str]]:
    """Every figure that opens rows: subject, month, block, how, what its row stands for, and the figure."""
    for subject, month in looked.pages():
        for name, drills in DRILLS.items():
            block = looked.file.block(subject, name, month)
            if not block or "items" not in block:
                continue
            tables = [item for item in block["items"] if "rows" in item]
            for drill in drills:
                if drill.only_as_of and block["dates"][-1] != f"{looked.as_of}":
                    continue
                table = tables[drill.table]
                for key, row in zip(table["keys"], table["rows"], strict=False):
                    way = drill.ways.get(key, drill.of_key)
                    if way is not None and key:
                        yield subject, month, name, drill, way, key, looked.file.words(subject, row[drill.column])


def test_the_rows_behind_a_figure_come_to_the_figure(looked: Looked) -> None:
    """By every way of every drill, wherever the list is not cut."""
    compared: Counter[tuple[BlockName, int, str]] = Counter()
    for subject, month, name, drill, way, key, figure in drilled(looked):
        rows = behind(looked, subject, month, way, key)
        value = number(figure)
        if rows is None or value is None:
            continue
        came_to = Decimal(len(rows)) if way.adds is None else added(way.list_name, way.adds, rows)
        assert rounded(came_to) == rounded(value), (subject, month, name, drill.column, key)
        compared[name, drill.column, key if key in drill.ways else ""] += 1
    expected = {(name, drill.column, key) for name, drills in DRILLS.items() for drill in drills for key in drill.ways}
    expected |= {(name, drill.column, "") for name, drills in DRILLS.items() for drill in drills if drill.of_key}
    # Returns and pending orders have no row where there are none, as one salesperson may have none.
    rare = {(BlockName.CONVERSION, 1, key) for key in ("returns", "pending_orders")}
    assert expected - compared.keys() <= (rare if TEAM not in looked.file.parts else set())


def added(list_name: str, field_name: str, rows: Sequence[Row]) -> Decimal:
    """One amount of the rows added up."""
    at = [field.name for field in LISTS[list_name].fields].index(field_name)
    return sum((number(row[at]) or Decimal(0) for row in rows if row[at] is not None), Decimal(0))


def test_a_cut_list_says_its_true_length(looked: Looked) -> None:
    for subject in looked.subjects:
        for name, at in (("tasks", "activities"), ("interactions", "interactions")):
            for month, listed in looked.file.parts[subject]["lists"][name].items():
                rows = looked.ask(
                    f"select sum({at}) from main.fct_funnel "
                    "where month_date = $month and list_contains($ids, employee_id)",
                    subject,
                    month=first(month),
                )
                assert listed["total"] == rows[0][0] >= len(listed["rows"]) > 0


# -- rights ------------------------------------------------------------------------------------------------------------


def test_no_file_holds_anything_of_people_its_viewer_may_not_see(folder: Folder) -> None:
    with duckdb.connect(str(folder.marts_path), read_only=True) as marts:
        people = marts.execute(
            "select employee_id, full_name, email from main.dim_employees where not is_placeholder"
        ).fetchall()
        customers = marts.execute("select customer_id, customer_name, manager_id from main.dim_customers").fetchall()
        scope = marts.execute(
            "select lower(viewer_email), employee_id, report from core.core_employee_scope"
        ).fetchall()
    checked = 0
    for email in page_viewers(folder.marts_path)[::4]:
        seen = {employee for viewer, employee, report in scope if viewer == email and report == "employee"}
        customers_of = {
            employee for viewer, employee, report in scope if viewer == email and report in ("employee", "customer")
        }
        file = take_apart(write_page(folder, email).path)
        assert set(file.parts) - {TEAM} == seen
        held = set(file.texts())
        # A name that somebody within sight has as well says nothing.
        names = {name for one, name, _ in people if one in seen}
        allowed = {name for _, name, manager in customers if manager in customers_of}
        foreign = (
            {part for one, name, mail in people if one not in seen for part in (one, name, mail)} - names - allowed
        )
        foreign |= (
            {part for one, name, manager in customers if manager not in customers_of for part in (one, name)}
            - allowed
            - names
        )
        assert not held & foreign - {"none", "unknown", "(none)", "(unknown)", None}
        checked += len(foreign)
    assert checked > 100
