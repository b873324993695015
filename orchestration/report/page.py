"""The numbers of one KPI page, as plain data: read under the viewer's rights, added up over the people shown.

Reads the `access` views, the viewer's own scope and the publication's row; nothing else, and never the marts behind
the views. How a page looks belongs in `terminal.py`; what a number means is decided in the models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.report.errors import PageError
from orchestration.report.people import Person, Viewer, choose_person, one_line, read_viewer
from orchestration.report.publication import Publication, open_publication, read_publication

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_STOCK_WEEKS_BEFORE = (12, 8, 4, 0)


@dataclass(frozen=True)
class Funnel:
    """The five steps of one month, for one employee or added up; amounts in company currency.

    Customers are counted by the owner then; `_current` counts the same customers by today's owner, without deleted
    ones, as the CRM's own page does.
    """

    new_customers: int = 0
    new_customers_current: int = 0
    customers_in_charge: int = 0
    customers_in_charge_current: int = 0
    interactions: int = 0
    activities: int = 0
    orders: int = 0
    returns: int = 0
    pending_orders: int = 0
    sales_amount: Decimal = Decimal(0)
    revenue_amount: Decimal = Decimal(0)
    collected_amount: Decimal = Decimal(0)

    def __add__(self, other: Funnel) -> Funnel:
        return Funnel(*(getattr(self, name) + getattr(other, name) for name in _FUNNEL_COLUMNS))

    @property
    def is_empty(self) -> bool:
        """Whether every figure is zero."""
        return self == Funnel()


_FUNNEL_COLUMNS = tuple(Funnel.__dataclass_fields__)


@dataclass(frozen=True)
class Ratio:
    """One quantity per another, both events of the month: not a conversion rate, it can exceed 1."""

    name: str
    numerator: int | Decimal
    denominator: int

    @property
    def value(self) -> Decimal | None:
        """The quotient; None when there is nothing to divide by."""
        return Decimal(self.numerator) / self.denominator if self.denominator else None


@dataclass(frozen=True)
class Tasks:
    """Tasks created in the month, by state as of the publication's day. `completed_late` is part of `completed`."""

    created: int = 0
    new: int = 0
    in_progress: int = 0
    awaiting_confirmation: int = 0
    late: int = 0
    completed: int = 0
    completed_late: int = 0
    cancelled: int = 0


@dataclass(frozen=True)
class Bucket:
    """Customers in charge now whose last contact lies in one span of days."""

    name: str
    customers: int


@dataclass(frozen=True)
class Stock:
    """Customers in one relationship at each of the page's `stock_dates`."""

    relationship_id: str
    name: str
    customers: tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """How many times customers went from one relationship to another in the month."""

    from_name: str
    to_name: str
    direction: str
    moves: int


@dataclass(frozen=True)
class TeamRow:
    """One person's month in the team's table."""

    person: Person
    funnel: Funnel


@dataclass(frozen=True)
class Page:
    """Everything a KPI page shows. `team` is empty on one person's page; every total is a sum over `subjects`."""

    publication: Publication
    viewer: Viewer
    subjects: tuple[Person, ...]
    month: date
    funnel: Funnel
    funnel_before: Funnel
    team: tuple[TeamRow, ...]
    tasks: Tasks
    recency: tuple[Bucket, ...]
    stock_dates: tuple[date, ...]
    stock: tuple[Stock, ...]
    moves: tuple[Move, ...]

    @property
    def is_team(self) -> bool:
        """Whether several people's figures are added up."""
        return len(self.subjects) > 1

    @property
    def month_end(self) -> date:
        """The last day of the month."""
        return next_month(self.month) - timedelta(days=1)

    @property
    def ratios(self) -> tuple[Ratio, ...]:
        """Each step per the one before, and per new customer where that is another quantity."""
        now = self.funnel
        return (
            Ratio("interactions_per_new_customer", now.interactions, now.new_customers),
            Ratio("activities_per_interaction", now.activities, now.interactions),
            Ratio("activities_per_new_customer", now.activities, now.new_customers),
            Ratio("orders_per_activity", now.orders, now.activities),
            Ratio("orders_per_new_customer", now.orders, now.new_customers),
            Ratio("revenue_per_order", now.revenue_amount, now.orders),
            Ratio("revenue_per_new_customer", now.revenue_amount, now.new_customers),
        )


def next_month(month: date) -> date:
    """The first day of the month after the one `month` lies in."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def previous_month(month: date) -> date:
    """The first day of the month before the one `month` lies in."""
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def parse_month(text: str) -> date:
    """`2026-03` as the first day of that month; PageError for anything else."""
    match = _MONTH.fullmatch(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) == 0:
        raise PageError(f"{text!r} is no month.", "Write it as year-month, for example 2026-03.")
    return date(int(match[1]), int(match[2]), 1)


def load_page(marts_path: Path, viewer_email: str, employee: str | None = None, month: str | None = None) -> Page:
    """The page of `employee`, or of everybody the viewer may see, for a month like `2026-03`.

    Without a month, the month of the publication's `as_of`. Raises PageError when there is no publication, the viewer
    may see nobody, the month is none, or `employee` fits no visible person or several.
    """
    viewer_email = viewer_email.strip()
    asked = parse_month(month) if month is not None else None
    with open_publication(marts_path, viewer_email) as connection:
        publication = read_publication(connection)
        viewer = read_viewer(connection, viewer_email)
        subjects = viewer.people if employee is None else (choose_person(viewer.people, employee),)
        return _read_page(connection, publication, viewer, subjects, asked or publication.as_of.replace(day=1))


def _read_page(
    connection: duckdb.DuckDBPyConnection,
    publication: Publication,
    viewer: Viewer,
    subjects: tuple[Person, ...],
    month: date,
) -> Page:
    ids = [person.employee_id for person in subjects]
    funnels = _read_funnels(connection, ids, month)
    before = _read_funnels(connection, ids, previous_month(month))
    names = _read_relationship_names(connection)
    dates = stock_dates(month, publication.as_of)
    return Page(
        publication=publication,
        viewer=viewer,
        subjects=subjects,
        month=month,
        funnel=sum(funnels.values(), Funnel()),
        funnel_before=sum(before.values(), Funnel()),
        team=_team(subjects, funnels) if len(subjects) > 1 else (),
        tasks=_read_tasks(connection, ids, month),
        recency=_read_recency(connection, ids),
        stock_dates=dates,
        stock=_read_stock(connection, ids, dates, names),
        moves=_read_moves(connection, ids, month, names),
    )


def stock_dates(month: date, as_of: date) -> tuple[date, ...]:
    """The days at whose end the stock is shown, oldest first.

    12, 8 and 4 weeks before the month's end, that end, and as_of; as_of stands in for an end that lies after it.
    """
    last = min(next_month(month) - timedelta(days=1), as_of)
    days = [last - timedelta(weeks=weeks) for weeks in _STOCK_WEEKS_BEFORE]
    return tuple(days) if last == as_of else (*days, as_of)


def _team(subjects: Iterable[Person], funnels: dict[str, Funnel]) -> tuple[TeamRow, ...]:
    rows = [TeamRow(person, funnels.get(person.employee_id, Funnel())) for person in subjects]
    return tuple(sorted(rows, key=_rank))


def _rank(row: TeamRow) -> tuple[bool, Decimal, int, str]:
    """Best revenue first, then most interactions, then by name; rows without a person last."""
    return (row.person.is_placeholder, -row.funnel.revenue_amount, -row.funnel.interactions, row.person.full_name)


def _read_funnels(connection: duckdb.DuckDBPyConnection, ids: Sequence[str], month: date) -> dict[str, Funnel]:
    rows = connection.execute(
        """
        select
            employee_id, new_customers, new_customers_current, customers_in_charge, customers_in_charge_current,
            interactions, activities, orders, returns, pending_orders, sales_amount, revenue_amount, collected_amount
        from access.access_fct_funnel
        where month_date = ? and employee_id in (select unnest(?::varchar[]))
        """,
        [month, ids],
    ).fetchall()
    return {row[0]: Funnel(*row[1:]) for row in rows}


def _read_tasks(connection: duckdb.DuckDBPyConnection, ids: Sequence[str], month: date) -> Tasks:
    row = connection.execute(
        """
        select
            sum(tasks_created), sum(tasks_new), sum(tasks_in_progress), sum(tasks_awaiting_confirmation),
            sum(tasks_late), sum(tasks_completed), sum(tasks_completed_late), sum(tasks_cancelled)
        from access.access_fct_task_status
        where month_date = ? and employee_id in (select unnest(?::varchar[]))
        """,
        [month, ids],
    ).fetchone()
    return Tasks(*(int(value or 0) for value in row or ()))


def _read_recency(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> tuple[Bucket, ...]:
    rows = connection.execute(
        """
        select care_recency_bucket, count(*)
        from access.access_dim_customer_cohort
        where not is_deleted and manager_id in (select unnest(?::varchar[]))
        group by care_recency_bucket
        order by care_recency_bucket = 'never', min(care_recency_days) nulls last, care_recency_bucket
        """,
        [ids],
    ).fetchall()
    return tuple(Bucket(*row) for row in rows)


def _read_relationship_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Relationship names by id, in the company's order."""
    rows = connection.execute(
        """
        select relationship_id, max(relationship_name)
        from access.access_dim_customers
        group by relationship_id
        order by min(relationship_order) nulls last, relationship_id
        """
    ).fetchall()
    return {relationship_id: one_line(name or relationship_id) for relationship_id, name in rows}


def _read_stock(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[str], dates: Sequence[date], names: dict[str, str]
) -> tuple[Stock, ...]:
    rows = connection.execute(
        """
        select relationship_id, as_of_date, sum(customers)
        from access.access_fct_journey
        where as_of_date in (select unnest(?::date[])) and manager_id in (select unnest(?::varchar[]))
        group by relationship_id, as_of_date
        """,
        [list(dates), ids],
    ).fetchall()
    counts = {(relationship, day): int(customers) for relationship, day, customers in rows}
    present = {relationship for relationship, _ in counts}
    ordered = [*(known for known in names if known in present), *sorted(present - names.keys())]
    return tuple(
        Stock(
            relationship,
            names.get(relationship, relationship),
            tuple(counts.get((relationship, day), 0) for day in dates),
        )
        for relationship in ordered
    )


def _read_moves(
    connection: duckdb.DuckDBPyConnection, ids: Sequence[str], month: date, names: dict[str, str]
) -> tuple[Move, ...]:
    rows = connection.execute(
        """
        select from_relationship_id, to_relationship_id, move_direction, count(*) as moves
        from access.access_fct_relationship_moves
        where month_date = ? and manager_id in (select unnest(?::varchar[]))
        group by from_relationship_id, to_relationship_id, move_direction
        order by moves desc, from_relationship_id, to_relationship_id
        """,
        [month, ids],
    ).fetchall()
    return tuple(
        Move(names.get(start, start), names.get(end, end), direction, moves) for start, end, direction, moves in rows
    )
