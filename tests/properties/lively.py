"""A company whose CRM changes every night in the ways that surprise a warehouse.

Belongs here: what may change from one night to the next, and how a night is delivered. Not here: running models
(`runner.py`), or what must hold (`test_changes.py`).

Unlike the companies of `companies.py`, this one keeps no tidy books: owners move without an entry in the log, orders
are edited months later and without a time, rows vanish and return, ids become known after they were referred to.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar

from orchestration.contract import contract
from tests.properties.companies import GHOSTS, Company
from tests.properties.runner import Delivery, Row

T = TypeVar("T")

_STATUSES = ("pending", "approved", "delivered", "cancelled")
_ALWAYS_WHOLE_ONE_IN = 3


class LivelyCompany:
    """All rows of a CRM as they stand, changed night by night; the same for the same seed."""

    def __init__(self, company: Company, seed: int) -> None:
        self._rows: dict[str, list[Row]] = {
            entity: [dict(row) for row in rows] for entity, rows in company.state().items()
        }
        self._random = random.Random(seed)
        self._number = 0
        self._gone: list[tuple[str, Row]] = []
        self._before: dict[str, list[Row]] = {}

    def live(self, night: date) -> list[str]:
        """Let one night's changes happen; returns their names."""
        self._before = {entity: [dict(row) for row in rows] for entity, rows in self._rows.items()}
        chosen = self._random.choices(_CHANGES, k=self._random.randint(1, 5))
        for change in chosen:
            change(self, night)
        return [change.__name__ for change in chosen]

    def deliver(self, night: date, is_first: bool = False) -> Delivery:
        """The night's batches: some entities whole, the others only what was changed; what vanished, in no delta."""
        deltas, tables = set(), {}
        for entity, rows in self._rows.items():
            if is_first or self._random.randrange(_ALWAYS_WHOLE_ONE_IN) == 0:
                tables[entity] = [dict(row) for row in rows]
                continue
            deltas.add(entity)
            before = self._before.get(entity, [])
            changed = [dict(row) for row in rows if row not in before]
            repeated = [dict(row) for row in rows if row in before][:2]
            tables[entity] = self._random.sample([*changed, *repeated], len(changed) + len(repeated))
        return Delivery(night, tables, frozenset(deltas))

    def pick(self, entity: str) -> Row | None:
        """Any row."""
        rows = self._rows[entity]
        return self._random.choice(rows) if rows else None

    def ids(self, entity: str) -> list[str]:
        """Known ids."""
        key = contract()[entity].key[0]
        return [row[key] for row in self._rows[entity] if row.get(key)]

    def some_id(self, entity: str) -> str | None:
        """A known id mostly; else nothing, or somebody who is not there."""
        return self._random.choice([*self.ids(entity), *self.ids(entity), None, *GHOSTS])

    def fresh_id(self) -> str:
        """An id that no row has had."""
        self._number += 1
        return f"n{self._number}"

    def moment(self, night: date, most_days: int = 120) -> datetime:
        """A moment up to so many days ago, or a little ahead."""
        day = night - timedelta(days=self._random.randint(-3, most_days))
        return datetime.combine(day, self._random.choice((time(9), time.min, time(23, 59, 59, 999_999))))

    def stamp(self, row: Row, night: date) -> None:
        """Mostly a change leaves its time; sometimes a CRM forgets, or its clock is ahead."""
        if row.get("updated_at") is not None and self._random.random() < 0.8:
            ahead = timedelta(days=self._random.choice((0, 0, 0, 2)))
            row["updated_at"] = datetime.combine(night + ahead, time(18, self._random.randrange(60)))

    def edited(self, entity: str, night: date, values: Row) -> None:
        """Change any row of the entity."""
        row = self.pick(entity)
        if row is not None:
            row.update(values)
            self.stamp(row, night)

    def vanished(self, entity: str) -> None:
        """Take any row away without a word."""
        row = self.pick(entity)
        if row is not None:
            self._rows[entity].remove(row)
            self._gone.append((entity, row))

    def returned(self) -> None:
        """Bring back a row that vanished."""
        if self._gone:
            entity, row = self._gone.pop(self._random.randrange(len(self._gone)))
            key = contract()[entity].key
            if all([known.get(k) for k in key] != [row.get(k) for k in key] for known in self._rows[entity]):
                self._rows[entity].append(row)

    def added(self, entity: str, row: Row) -> None:
        """A new row."""
        names = contract()[entity].column_names
        self._rows[entity].append({name: row.get(name) for name in names})

    def choice(self, values: Sequence[T]) -> T:
        """Any of the values."""
        return self._random.choice(values)


def order_edited_late(c: LivelyCompany, night: date) -> None:
    """Another day, person, customer or status of an old order."""
    c.edited(
        "orders",
        night,
        c.choice(
            [
                {"order_date": c.moment(night).date()},
                {"executor_id": c.some_id("employees")},
                {"customer_id": c.some_id("customers")},
                {"status": c.choice(_STATUSES)},
                {"discount_amount": Decimal(c.choice((0, 7, 100)))},
                {"deleted_at": c.moment(night, 2)},
                {"deleted_at": None},
            ]
        ),
    )


def order_taken(c: LivelyCompany, night: date) -> None:
    """A new order with a line and a payment, maybe of a product or customer nobody knows yet."""
    order = c.fresh_id()
    at = c.moment(night, 5)
    c.added(
        "orders",
        {
            "order_id": order,
            "customer_id": c.some_id("customers"),
            "executor_id": c.some_id("employees"),
            "order_type": c.choice(("sale", "sale", "return")),
            "status": c.choice(_STATUSES),
            "order_date": at.date(),
            "created_at": at,
            "discount_amount": Decimal(c.choice((0, 3))),
            "updated_at": c.choice((at, None)),
        },
    )
    line_added(c, night, order)
    c.added("payments", {"payment_id": c.fresh_id(), "order_id": order, "amount": Decimal(5), "paid_on": at.date()})


def line_added(c: LivelyCompany, night: date, order: str | None = None) -> None:
    """One line more, which shares the order's discount anew."""
    c.added(
        "order_lines",
        {
            "order_line_id": c.fresh_id(),
            "order_id": order or c.some_id("orders"),
            "product_id": c.some_id("products"),
            "quantity": Decimal(c.choice((1, 2, 3))),
            "unit_price": Decimal(c.choice((10, 99))),
        },
    )


def line_moved(c: LivelyCompany, night: date) -> None:
    """A line goes to another order, or gets another price."""
    c.edited("order_lines", night, c.choice([{"order_id": c.some_id("orders")}, {"unit_price": Decimal(41)}]))


def payment_edited(c: LivelyCompany, night: date) -> None:
    """Another order, day or sum."""
    c.edited(
        "payments",
        night,
        c.choice(
            [
                {"order_id": c.some_id("orders")},
                {"paid_on": c.moment(night).date()},
                {"amount": Decimal(c.choice((-4, 12)))},
            ]
        ),
    )


def owner_moved_silently(c: LivelyCompany, night: date) -> None:
    """Another person in charge or relationship, without an entry in the log."""
    c.edited(
        "customers",
        night,
        c.choice([{"manager_id": c.some_id("employees")}, {"relationship_id": c.some_id("relationships")}]),
    )


def owner_moved_in_the_past(c: LivelyCompany, night: date) -> None:
    """An entry of the log that arrives late."""
    c.added(
        "customer_changes",
        {
            "customer_id": c.some_id("customers") or GHOSTS[0],
            "field": c.choice(("manager_id", "relationship_id")),
            "old_value": c.some_id("employees"),
            "new_value": c.some_id("employees"),
            "changed_at": c.moment(night) + timedelta(seconds=int(c.fresh_id()[1:])),
            "changed_by": c.some_id("employees"),
        },
    )


def customer_edited(c: LivelyCompany, night: date) -> None:
    """Lists, place, birthday, creation, deletion."""
    c.edited(
        "customers",
        night,
        c.choice(
            [
                {"source_ids": [i for i in {c.some_id("sources"), c.some_id("sources")} if i]},
                {"industry_ids": [i for i in {c.some_id("industries")} if i]},
                {"province_id": c.some_id("provinces")},
                {"birthday": date(1980, night.month, night.day)},
                {"created_at": c.moment(night)},
                {"last_contact_at": c.moment(night)},
                {"deleted_at": c.moment(night, 3)},
                {"deleted_at": None},
            ]
        ),
    )


def customer_came(c: LivelyCompany, night: date) -> None:
    """A new customer, sometimes one that others had referred to already."""
    known = set(c.ids("customers"))
    wanted = [ghost for ghost in GHOSTS if ghost not in known]
    c.added(
        "customers",
        {
            "customer_id": c.choice([*wanted, c.fresh_id()]),
            "customer_name": "New",
            "manager_id": c.some_id("employees"),
            "relationship_id": c.some_id("relationships"),
            "source_ids": [i for i in {c.some_id("sources")} if i],
            "created_at": c.moment(night, 2),
            "updated_at": c.choice((c.moment(night, 1), None)),
        },
    )


def interaction_logged(c: LivelyCompany, night: date) -> None:
    """A call, now or long ago."""
    c.added(
        "interactions",
        {
            "interaction_id": c.fresh_id(),
            "customer_id": c.some_id("customers"),
            "employee_id": c.some_id("employees"),
            "type": c.choice(("call", "email", "sms", "comment")),
            "direction": c.choice(("inbound", "outbound", None)),
            "outcome": c.choice(("answered", "missed", None)),
            "occurred_at": c.moment(night),
            "duration_seconds": 30,
        },
    )


def interaction_edited(c: LivelyCompany, night: date) -> None:
    """Another customer, moment or outcome, or deleted."""
    c.edited(
        "interactions",
        night,
        c.choice(
            [
                {"customer_id": c.some_id("customers")},
                {"occurred_at": c.moment(night)},
                {"outcome": "answered"},
                {"deleted_at": c.moment(night, 1)},
            ]
        ),
    )


def task_edited(c: LivelyCompany, night: date) -> None:
    """Customers, person, state or due date."""
    c.edited(
        "tasks",
        night,
        c.choice(
            [
                {"customer_ids": [i for i in {c.some_id("customers"), c.some_id("customers")} if i]},
                {"assignee_id": c.some_id("employees")},
                {"status": "completed", "completed_at": c.moment(night)},
                {"due_at": datetime.combine(night + timedelta(days=1), time(9))},
                {"project_id": c.some_id("projects")},
                {"deleted_at": c.moment(night, 1)},
            ]
        ),
    )


def opportunity_edited(c: LivelyCompany, night: date) -> None:
    """Won, lost, or somebody else's."""
    c.edited(
        "opportunities",
        night,
        c.choice([{"status": "won", "closed_at": c.moment(night, 9)}, {"owner_id": c.some_id("employees")}]),
    )


def contact_edited(c: LivelyCompany, night: date) -> None:
    """Another customer's contact, or born today."""
    c.edited(
        "contacts",
        night,
        c.choice([{"customer_id": c.some_id("customers")}, {"birthday": date(2000, night.month, night.day)}]),
    )


def lookup_edited(c: LivelyCompany, night: date) -> None:
    """A relationship changes its place or its name, a product its category, a province its name."""
    edits: list[tuple[str, Row]] = [
        ("relationships", {"relationship_order": c.choice((1, 2, 9))}),
        ("relationships", {"relationship_name": "Renamed"}),
        ("products", {"category_id": c.some_id("product_categories")}),
        ("provinces", {"province_name": "Renamed"}),
        ("task_types", {"task_type_name": "Renamed"}),
    ]
    entity, values = c.choice(edits)
    c.edited(entity, night, values)


def organisation_changed(c: LivelyCompany, night: date) -> None:
    """Somebody changes departments, or arrives after having been referred to."""
    known = set(c.ids("employees"))
    wanted = [ghost for ghost in GHOSTS if ghost not in known]
    if wanted and c.choice((0, 1)) == 1:
        c.added(
            "employees",
            {
                "employee_id": wanted[0],
                "full_name": "Late",
                "is_active": True,
                "department_id": c.some_id("departments"),
            },
        )
    else:
        c.edited("employees", night, {"department_id": c.some_id("departments")})


def target_set(c: LivelyCompany, night: date) -> None:
    """A target for this month, or another value for an old one."""
    c.edited("kpi_targets", night, {"target_value": Decimal(c.choice((3, 8)))})


def row_vanished(c: LivelyCompany, night: date) -> None:
    """Gone without a time; only a complete batch shows it."""
    c.vanished(c.choice(("orders", "customers", "interactions", "tasks", "order_lines", "payments", "opportunities")))


def row_returned(c: LivelyCompany, night: date) -> None:
    """Back again."""
    c.returned()


def row_spoiled(c: LivelyCompany, night: date) -> None:
    """A row that the contract rejects from now on: it is there, and cannot be read."""
    c.edited("orders", night, {"status": None})


_CHANGES: Sequence[Callable[[LivelyCompany, date], None]] = (
    order_edited_late,
    order_edited_late,
    order_taken,
    line_added,
    line_moved,
    payment_edited,
    owner_moved_silently,
    owner_moved_in_the_past,
    customer_edited,
    customer_came,
    interaction_logged,
    interaction_edited,
    task_edited,
    opportunity_edited,
    contact_edited,
    lookup_edited,
    organisation_changed,
    target_set,
    row_vanished,
    row_returned,
    row_spoiled,
)
