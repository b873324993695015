"""Small companies in the form of the contract, with the cases that numbers get wrong; Hypothesis draws them.

Belongs here: what a CRM can hold, and how it came about. Not here: running models (`runner.py`), or what must hold
(`test_*.py`).

A company is a list of records; a record is the versions it went through, each with the moment from which the CRM holds
it. So one company has a state on every night: what had been written by then. Times are causal (nothing is written
before it exists), customers' owners and relationships move only with an entry in the change log, and a customer is
deleted with a time. What breaks these rules is drawn too, and is the same on every night: references to nothing, rows
that the contract rejects, times before creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from orchestration.contract import contract
from tests.properties.runner import Delivery, Row, Tables

AS_OF = date(2026, 3, 31)
END = datetime.combine(AS_OF + timedelta(days=1), time.min)
HISTORY_DAYS = 130
"""Longer than the 84 days for which the journey knows a customer's day of creation."""

NIGHTS = (date(2026, 1, 31), date(2026, 3, 29), AS_OF)
"""Nights on which a company is landed when it is landed more than once."""

GHOSTS = ("x1", "x2")
"""Ids that no record has."""

T = TypeVar("T")


@dataclass(frozen=True)
class Version:
    """A record's row, and since when the CRM holds it."""

    since: datetime
    row: Row


Record = tuple[Version, ...]


@dataclass(frozen=True)
class Company:
    """Every record by entity, each with its versions, oldest first; the last one is what the CRM holds at the end."""

    records: Mapping[str, Sequence[Record]]

    def state(self, night: date = AS_OF) -> Tables:
        """All rows as the CRM held them at the end of a night."""
        end = datetime.combine(night + timedelta(days=1), time.min)
        return {
            entity: [known[-1].row for record in records if (known := [v for v in record if v.since < end])]
            for entity, records in self.records.items()
        }

    def changed(self, after: date, night: date) -> Tables:
        """The rows that were written after the end of one night and before the end of another."""
        begin = datetime.combine(after + timedelta(days=1), time.min)
        end = datetime.combine(night + timedelta(days=1), time.min)
        return {
            entity: [
                known[-1].row
                for record in records
                if (known := [v for v in record if v.since < end]) and known[-1].since >= begin
            ]
            for entity, records in self.records.items()
        }

    def rows(self, entity: str) -> Sequence[Row]:
        """An entity's rows at the end."""
        return self.state()[entity]

    def landed_at_once(self) -> list[Delivery]:
        """One complete batch of the final state."""
        return [Delivery(AS_OF, self.state())]

    def landed_complete(self) -> list[Delivery]:
        """A complete batch every night."""
        return [Delivery(night, self.state(night)) for night in NIGHTS]

    def landed_as_changes(self) -> list[Delivery]:
        """A complete batch, then only what changed, of every entity."""
        first, *later = NIGHTS
        deltas = frozenset(self.records)
        before = dict(zip(later, NIGHTS, strict=False))
        return [
            Delivery(first, self.state(first)),
            *(Delivery(night, self.changed(before[night], night), deltas) for night in later),
        ]

    def with_record(self, entity: str, record: Record) -> Company:
        """The company with one record more."""
        return replace(self, records={**self.records, entity: [*self.records[entity], record]})

    def __repr__(self) -> str:
        """The records, one version a line, without nulls: what Hypothesis prints of a failing example."""
        lines = [
            f"  {entity} since {version.since:%Y-%m-%d %H:%M:%S}: "
            + ", ".join(f"{name}={shown(value)}" for name, value in version.row.items() if value is not None)
            for entity, records in self.records.items()
            for record in records
            for version in record
        ]
        return "\n".join(["Company as of " + AS_OF.isoformat(), *lines])


def shown(value: Any) -> str:
    """A value as short as it can be read."""
    if isinstance(value, list):
        return ";".join(value)
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


@dataclass
class _Drawing:
    """The draws of one company, and what it holds so far."""

    draw: DrawFn
    records: dict[str, list[Record]] = field(default_factory=lambda: {entity.name: [] for entity in contract()})

    def one_of(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(values))

    def chance(self, one_in: int) -> bool:
        """True once in so many; shrinks to False."""
        return self.draw(st.integers(0, one_in - 1)) == one_in - 1

    def times(self, most: int, least: int = 0) -> range:
        return range(self.draw(st.integers(least, most)))

    def add(self, entity: str, row: Row, since: datetime | None = None) -> None:
        """One record that never changed; without a time it has been there from the beginning."""
        self.records[entity].append((Version(since or _BEGINNING, row),))

    def ids(self, entity: str) -> list[str]:
        key = contract()[entity].key[0]
        return [record[-1].row[key] for record in self.records[entity] if record[-1].row.get(key)]

    def reference(self, entity: str) -> str | None:
        """A member, mostly; else nobody, or somebody who is not there."""
        return self.one_of([*self.ids(entity), *self.ids(entity), None, GHOSTS[0]])

    def references(self, entity: str, most: int) -> list[str]:
        return self.draw(st.lists(st.sampled_from([*self.ids(entity), *GHOSTS]), max_size=most, unique=True))

    def moment(self, after: datetime | None = None, before: datetime = END) -> datetime:
        """A moment in the company's history, at an hour that may be the edge of a day."""
        first = (after or _HISTORY_START).date()
        last = min(before - _TICK, END - _TICK).date()
        day = first + timedelta(days=self.draw(st.integers(0, max((last - first).days, 0))))
        at = datetime.combine(day, self.one_of(_HOURS))
        return min(max(at, after or at), before - _TICK)

    def amount(self) -> Decimal:
        return Decimal(self.draw(st.integers(0, 99_999))) / 100


_TICK = timedelta(microseconds=1)
_HISTORY_START = datetime.combine(AS_OF - timedelta(days=HISTORY_DAYS), time.min)
_BEGINNING = datetime(2025, 1, 1)
_HOURS = (time(9), time(17, 30), time.min, time(23, 59, 59, 999_999))
_REPORTS = ("menu", "employee", "department", "customer", "product", "task", "campaign", "telesales", "targets")


@st.composite
def companies(draw: DrawFn, least: int = 5, most: int = 30, restores: bool = True) -> Company:
    """A company of so many customers; `restores` says whether deleted ones may come back."""
    d = _Drawing(draw)
    _draw_lists(d)
    _draw_people(d)
    customers = [f"c{number}" for number in range(1, draw(st.integers(least, most)) + 1)]
    for customer in customers:
        _draw_customer(d, customer, restores)
    for customer in [*customers, GHOSTS[0]]:
        _draw_contacts(d, customer)
        _draw_interactions(d, customer)
        _draw_orders(d, customer)
    _draw_orders(d, None)
    _draw_tasks(d)
    _draw_opportunities(d)
    _draw_targets(d)
    _draw_rejected(d)
    return Company(d.records)


def _draw_lists(d: _Drawing) -> None:
    for number in d.times(4, 1):
        deleted = d.moment() if d.chance(8) else None
        d.records["relationships"].append(
            _deleted_later(
                _BEGINNING,
                {
                    "relationship_id": f"r{number + 1}",
                    "relationship_name": f"Relationship {number + 1}",
                    "relationship_order": number + 1,
                    "is_default": number == 0,
                },
                deleted,
            )
        )
    for entity, parent in (("sources", "parent_source_id"), ("product_categories", "parent_category_id")):
        key, name = contract()[entity].key[0], contract()[entity].column_names[1]
        for number in d.times(4, 1):
            own = f"{entity[0]}{number + 1}"
            # A company may have a member of its own that is called as the warehouse's.
            own = "unknown" if entity == "sources" and number == 3 and d.chance(3) else own
            d.add(entity, {key: own, name: f"Member {number + 1}", parent: d.reference(entity) if number else None})
    for entity in ("industries", "provinces", "projects", "task_types", "campaigns"):
        key, name = contract()[entity].column_names[:2]
        for number in d.times(3, 1):
            d.add(entity, {key: f"{entity[0]}{number + 1}", name: f"Member {number + 1}"})
    for number in d.times(3, 1):
        d.add(
            "products",
            {
                "product_id": f"g{number + 1}",
                "product_name": f"Product {number + 1}",
                "category_id": d.reference("product_categories"),
            },
        )


def _draw_people(d: _Drawing) -> None:
    for number in d.times(4, 1):
        d.add(
            "departments",
            {
                "department_id": f"d{number + 1}",
                "department_name": f"Department {number + 1}",
                "parent_department_id": d.reference("departments") if number else None,
            },
        )
    for number in d.times(6, 2):
        row = {
            "employee_id": f"e{number + 1}",
            "full_name": f"Employee {number + 1}",
            "email": None if d.chance(6) else f"e{number + 1}@example.com",
            "department_id": None if d.chance(3) else d.reference("departments"),
            "position_rank": d.one_of([None, 1, 2, 3]),
            "is_active": not d.chance(5),
        }
        d.records["employees"].append(_deleted_later(_BEGINNING, row, d.moment() if d.chance(6) else None))
    employees, departments = [*d.ids("employees"), GHOSTS[0]], [*d.ids("departments"), GHOSTS[0]]
    places = st.tuples(st.sampled_from(employees), st.sampled_from(departments))
    for employee, department in d.draw(st.lists(places, max_size=4, unique=True)):
        d.add(
            "department_memberships",
            {"employee_id": employee, "department_id": department, "position_rank": d.one_of([None, 1, 2])},
        )
    rights = st.tuples(st.sampled_from(employees), st.sampled_from(_REPORTS), st.sampled_from(["access", "view_all"]))
    for employee, report, right in d.draw(st.lists(rights, max_size=8, unique=True)):
        d.add("employee_permissions", {"employee_id": employee, "report": report, "right": right})


def _draw_customer(d: _Drawing, customer: str, restores: bool) -> None:
    created = d.moment()
    has_times = not d.chance(5)
    row: Row = {
        "customer_id": customer,
        "customer_code": None,
        "customer_name": f"Customer {customer}",
        "manager_id": d.reference("employees"),
        "creator_id": d.reference("employees"),
        "relationship_id": d.reference("relationships"),
        "source_ids": d.references("sources", 3),
        "industry_ids": d.references("industries", 2),
        "province_id": d.reference("provinces"),
        "gender": d.one_of([None, "male", "female"]),
        "birthday": d.one_of([None, date(1990, 3, 31), date(1990, 4, 1), date(2026, 12, 1), date(2010, 1, 1)]),
        "phone": f"09 {customer}",
        "email": f"{customer}@khach.example",
        "created_at": created,
        "updated_at": created if has_times else None,
        "last_contact_at": d.moment() if d.chance(4) else None,
    }
    versions = [Version(created, row)]
    for _ in d.times(3):
        name, entity = d.one_of([("manager_id", "employees"), ("relationship_id", "relationships")])
        at = d.moment(versions[-1].since + _TICK)
        old, new = versions[-1].row[name], d.reference(entity)
        if old == new or at <= versions[-1].since:
            continue
        versions.append(
            Version(
                at,
                {
                    **versions[-1].row,
                    name: new,
                    "phone": f"09 {customer} {at}",
                    "updated_at": at if has_times else None,
                },
            )
        )
        d.add(
            "customer_changes",
            {
                "customer_id": customer,
                "field": name,
                "old_value": old,
                "new_value": new,
                "changed_at": at,
                "changed_by": d.reference("employees"),
            },
            at,
        )
    if d.chance(4):
        at = d.moment(versions[-1].since + _TICK)
        if at > versions[-1].since:
            gone = {**versions[-1].row, "deleted_at": at, "updated_at": at if has_times else None}
            versions.append(Version(at, gone))
            if restores and d.chance(2) and (back := d.moment(at + _TICK)) > at:
                returned = {**gone, "deleted_at": None, "updated_at": back if has_times else None}
                versions.append(Version(back, returned))
    d.records["customers"].append(tuple(versions))


def _deleted_later(since: datetime, row: Row, deleted_at: datetime | None) -> Record:
    """A record and, where it has a time of deletion, its deletion."""
    first = Version(since, row)
    if deleted_at is None or deleted_at <= since:
        return (first,)
    return (first, Version(deleted_at, _written(row, deleted_at, deleted_at=deleted_at)))


def _written(row: Row, at: datetime, **values: Any) -> Row:
    """A row as written again at a time; where rows carry no times, this one does not either."""
    return {**row, **values, **({"updated_at": at} if row.get("updated_at") is not None else {})}


def _event(d: _Drawing, entity: str, row: Row, since: datetime, earlier: Row | None = None) -> datetime:
    """A record with times, maybe with an earlier content, maybe deleted later; returns when it was first written."""
    has_times = not d.chance(4)
    first = {**row, **(earlier or {}), "updated_at": since if has_times else None}
    versions = [Version(since, first)]
    if earlier is not None and (at := d.moment(since + _TICK)) > since:
        versions.append(Version(at, _written({**first, **{name: row[name] for name in earlier}}, at)))
    elif earlier is not None:
        versions = [Version(since, {**row, "updated_at": first["updated_at"]})]
    if d.chance(9):
        last = versions[-1]
        versions = [*versions[:-1], *_deleted_later(last.since, last.row, d.moment(last.since + _TICK))]
    d.records[entity].append(tuple(versions))
    return since


def _number(d: _Drawing, entity: str) -> int:
    return len(d.records[entity]) + 1


def _draw_contacts(d: _Drawing, customer: str) -> None:
    if not d.chance(3):
        return
    for _ in d.times(2, 1):
        row = {
            "contact_id": f"k{_number(d, 'contacts')}",
            "customer_id": customer,
            "full_name": "Contact",
            "gender": d.one_of([None, "female", "male"]),
            "birthday": d.one_of([None, date(1985, 3, 31), date(2001, 4, 1)]),
            "is_primary": d.one_of([True, False]),
        }
        _event(d, "contacts", row, d.moment())


def _draw_interactions(d: _Drawing, customer: str) -> None:
    for _ in d.times(2):
        at = d.moment()
        row = {
            "interaction_id": f"n{_number(d, 'interactions')}",
            "customer_id": customer,
            "employee_id": d.reference("employees"),
            "type": d.one_of(["comment", "email", "sms", "call", "call"]),
            "direction": d.one_of([None, "inbound", "outbound"]),
            "occurred_at": at,
            "outcome": d.one_of([None, "sent", "delivered", "read", "answered", "missed", "failed"]),
            "duration_seconds": d.one_of([None, 0, 61]),
        }
        _event(d, "interactions", row, at)


_STATUSES = ("approved", "delivering", "partly_delivered", "delivered", "pending", "cancelled")


def _draw_orders(d: _Drawing, customer: str | None) -> None:
    for _ in d.times(2):
        at = d.moment()
        order = f"o{_number(d, 'orders')}"
        row = {
            "order_id": order,
            "customer_id": customer,
            "executor_id": d.reference("employees"),
            "creator_id": d.reference("employees"),
            "order_type": "return" if d.chance(4) else "sale",
            "status": d.one_of(_STATUSES),
            "order_date": at.date() - timedelta(days=d.one_of([0, 0, 1, 35, -5])),
            "created_at": d.one_of([at, None]),
            "discount_amount": d.one_of([Decimal(0), Decimal("0.01"), Decimal("10.05")]),
            "vat_amount": d.one_of([Decimal(0), Decimal("0.03"), Decimal("7.77")]),
        }
        _event(d, "orders", row, at, earlier={"status": "pending"} if d.chance(3) else None)
        _draw_lines(d, order, at)
        _draw_payments(d, order, at)


def _draw_lines(d: _Drawing, order: str, at: datetime) -> None:
    for _ in d.times(3):
        row = {
            "order_line_id": f"l{_number(d, 'order_lines')}",
            "order_id": order,
            "product_id": d.reference("products"),
            "quantity": d.one_of([Decimal(1), Decimal("0.3333"), Decimal(3), Decimal(0)]),
            "unit_price": d.amount(),
            "discount_amount": d.one_of([Decimal(0), Decimal("0.01")]),
            "vat_amount": d.one_of([Decimal(0), Decimal("1.11")]),
        }
        _event(d, "order_lines", row, at)


def _draw_payments(d: _Drawing, order: str, at: datetime) -> None:
    for _ in d.times(2):
        paid = d.moment(at)
        row = {
            "payment_id": f"m{_number(d, 'payments')}",
            "order_id": GHOSTS[0] if d.chance(9) else order,
            "amount": -d.amount() if d.chance(4) else d.amount(),
            "paid_on": paid.date(),
        }
        _event(d, "payments", row, paid)


def _draw_tasks(d: _Drawing) -> None:
    for _ in d.times(12, 2):
        at = d.moment()
        status = d.one_of(["new", "in_progress", "awaiting_confirmation", "completed", "completed", "cancelled"])
        due = d.one_of([None, at + timedelta(days=2), at + timedelta(days=40), END, END - _TICK])
        done = d.moment(at) if status in ("awaiting_confirmation", "completed") else None
        row = {
            "task_id": f"t{_number(d, 'tasks')}",
            "creator_id": d.reference("employees"),
            "assignee_id": d.reference("employees"),
            "project_id": d.reference("projects"),
            "task_type_id": d.reference("task_types"),
            "customer_ids": d.references("customers", 3),
            "status": status,
            "created_at": at,
            "due_at": due,
            "done_at": done,
            "completed_at": d.one_of([done, None]) if status == "completed" else None,
            "rating": d.one_of([None, 1, 5]),
        }
        earlier = {"status": "new", "done_at": None, "completed_at": None} if d.chance(2) else None
        _event(d, "tasks", row, max(done or at, at) if earlier is None else at, earlier)


def _draw_opportunities(d: _Drawing) -> None:
    for _ in d.times(3):
        at = d.moment()
        row = {
            "opportunity_id": f"y{_number(d, 'opportunities')}",
            "campaign_id": d.reference("campaigns"),
            "customer_id": d.reference("customers"),
            "owner_id": d.reference("employees"),
            "product_id": d.reference("products"),
            "approach_method": d.one_of([None, "call"]),
            "stage_name": d.one_of([None, "offer"]),
            "stage_order": d.one_of([None, 1, 2]),
            "status": d.one_of(["open", "won", "lost"]),
            "expected_amount": d.one_of([None, Decimal("100.00")]),
            "created_at": d.one_of([at, None]),
            "closed_at": d.one_of([None, at]),
        }
        _event(d, "opportunities", row, at)


def _draw_targets(d: _Drawing) -> None:
    metrics = ["new_customers", "orders", "revenue_amount", "collected_amount", "tasks_late", "happiness"]
    periods = [(date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 1, 1), date(2026, 6, 30))]
    owners = [
        *(("employee_id", employee) for employee in [*d.ids("employees"), *d.ids("employees"), *GHOSTS]),
        *(("department_id", department) for department in [*d.ids("departments"), *GHOSTS]),
    ]
    keys = st.tuples(st.sampled_from(periods), st.sampled_from(owners), st.sampled_from(metrics))
    drawn = d.draw(st.lists(keys, min_size=2, max_size=8, unique=True))
    if d.chance(2):
        # Both become 'unknown': two targets, one owner.
        drawn = [key for key in drawn if key[1][1] not in GHOSTS]
        drawn += [(periods[0], ("employee_id", ghost), "orders") for ghost in GHOSTS]
    for (start, end), (owner, member), metric in drawn:
        d.add(
            "kpi_targets",
            {
                "period_start": start,
                "period_end": end,
                owner: member,
                "metric": metric,
                "target_value": d.one_of([Decimal(1), Decimal(3), Decimal(0), Decimal("250.5")]),
                "weight": d.one_of([None, Decimal("0.5"), Decimal("0.25")]),
                "direction": d.one_of(["increase", "decrease"]),
            },
        )


def _draw_rejected(d: _Drawing) -> None:
    """Rows that the contract sends to quarantine: one without a required value, one that is older than its double."""
    if not d.chance(2):
        d.add("customers", {"customer_id": GHOSTS[1], "customer_name": None, "created_at": _BEGINNING})
    if d.chance(2):
        d.add("orders", {"order_id": "o0", "order_type": "sale", "status": None, "order_date": AS_OF})
    written = [record[0] for record in d.records["customers"] if record[0].row.get("updated_at") is not None]
    if written and d.chance(2):
        newest = written[0]
        d.add(
            "customers",
            {**newest.row, "manager_id": None, "updated_at": newest.row["updated_at"] - timedelta(hours=1)},
            newest.since,
        )


def all_rows(company: Company) -> Iterable[tuple[str, Row]]:
    """Every final row with its entity."""
    return ((entity, row) for entity, rows in company.state().items() for row in rows)
