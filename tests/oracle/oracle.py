"""The card's four marts, computed from landed rows without SQL: what the warehouse must agree with, to the cent.

Belongs here: pure functions from the landed batches to the marts' rows. Not here: reading files, dbt, comparing.

It is written to be plainly right rather than fast: a customer's day is looked at by asking who was in charge at its
end, one customer and one day at a time, where the models work with intervals. Rules that the models read from seeds
stand here as code, with the default seeds' values.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from orchestration.contract import contract

Row = dict[str, Any]

NONE = "none"
UNKNOWN = "unknown"
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
JOURNEY_DAYS = 84
LONG_AGO = datetime(1900, 1, 1)


@dataclass(frozen=True)
class Batch:
    """One landed batch of one entity: its rows as the landing zone holds them, and the keys that were rejected."""

    night: date
    is_complete: bool
    rows: pd.DataFrame
    rejected_keys: frozenset[tuple[str | None, ...]] = frozenset()

    @property
    def seen_at(self) -> datetime:
        """The last instant of the batch's day: what a night finds belongs to the day it reports on."""
        return datetime.combine(self.night + timedelta(days=1), time.min) - timedelta(microseconds=1)


Landed = Mapping[str, Sequence[Batch]]


@dataclass(frozen=True)
class Delivery:
    """One row as one batch delivered it; `batch` counts from 0."""

    batch: int
    number: int
    seen_at: datetime
    row: Row

    @property
    def claimed_at(self) -> datetime:
        """When the row says it was written, but not later than its batch."""
        written = self.row.get("updated_at")
        return self.seen_at if written is None else min(written, self.seen_at)

    @property
    def age(self) -> tuple[datetime, int, int]:
        """Sorts deliveries of one record from the oldest to the newest."""
        return (self.claimed_at, self.batch, self.number)


@dataclass
class Record:
    """Everything that was ever delivered of one record."""

    deliveries: list[Delivery] = field(default_factory=list)
    appearances: set[int] = field(default_factory=set)

    @property
    def newest(self) -> Row:
        """The row that holds now."""
        return max(self.deliveries, key=lambda delivery: delivery.age).row


@dataclass(frozen=True)
class Life:
    """A customer through time. Events are (instant, value), sorted; spans are [from, to), `to` None while it lasts."""

    created_at: datetime
    owners: Sequence[tuple[datetime, str]]
    relationships: Sequence[tuple[datetime, str]]
    gone: Sequence[tuple[datetime, datetime | None]]

    def lives_at_the_end(self, end: datetime) -> bool:
        """Whether it was there just before `end`."""
        return self.created_at < end and not any(since < end and (to is None or to >= end) for since, to in self.gone)

    def stretches(self) -> list[tuple[datetime, datetime | None, str]]:
        """[from, to) and who was in charge then; nobody while it was deleted."""
        instants = {self.created_at} | {at for at, _ in self.owners}
        instants |= {at for span in self.gone for at in span if at is not None and at >= self.created_at}
        moments: list[tuple[datetime, str | None]] = []
        for at in sorted(instants):
            is_gone = any(since <= at and (to is None or to > at) for since, to in self.gone)
            owner = None if is_gone else [value for since, value in self.owners if since <= at][-1]
            if not moments or moments[-1][1] != owner:
                moments.append((at, owner))
        ends = [at for at, _ in moments[1:]] + [None]
        return [(at, end, owner) for (at, owner), end in zip(moments, ends, strict=True) if owner is not None]

    def starts(self) -> list[tuple[datetime, str, str | None]]:
        """When each stretch starts, with whom, and who was in charge before (None: it is the first)."""
        stretches = self.stretches()
        before = [None, *(owner for _, _, owner in stretches)]
        return [(at, owner, last) for (at, _, owner), last in zip(stretches, before, strict=False)]


@dataclass(frozen=True)
class Company:
    """The current rows of every entity (deleted ones flagged), customers' lives, and the day it is looked at.

    `workplaces` are everybody's departments: (since when, department), oldest first; the first is open to the past.
    """

    as_of: date
    tables: Mapping[str, Mapping[tuple[Hashable, ...], Row]]
    lives: Mapping[str, Life]
    workplaces: Mapping[str, Sequence[tuple[datetime, str]]] = field(default_factory=dict)

    @property
    def end(self) -> datetime:
        """The end of as_of: what happens then or later is not known yet."""
        return datetime.combine(self.as_of + timedelta(days=1), time.min)

    def rows(self, entity: str) -> Iterable[Row]:
        """Live rows."""
        return (row for row in self.tables[entity].values() if not row["is_deleted"])

    def reference(self, entity: str, given: str | None) -> str:
        """The id as a mart shows it: itself, 'none' when not given, 'unknown' when it is not there."""
        if given is None:
            return NONE
        return given if (given,) in self.tables[entity] else UNKNOWN


def month_of(day: date) -> date:
    """First day of the month."""
    return date(day.year, day.month, 1)


# --- from landed batches to the company -------------------------------------------------------------------------------


def company(landed: Landed, as_of: date) -> Company:
    """Everything the marts need, from what was landed by `as_of`."""
    records = {entity.name: _records(entity.name, landed.get(entity.name, ())) for entity in contract()}
    tables = {
        name: {key: _current(record, landed[name]) for key, record in found.items()} for name, found in records.items()
    }
    base = Company(as_of, tables, {})
    changes = _changes(base)
    lives = {
        str(key[0]): _life(base, record, landed["customers"], changes.get(str(key[0]), []))
        for key, record in records["customers"].items()
    }
    workplaces = {
        str(key[0]): [
            (version.since, base.reference("departments", version.row["department_id"]))
            for version in _versions(record, LONG_AGO)
        ]
        for key, record in records["employees"].items()
    }
    return Company(as_of, tables, lives, workplaces)


def _records(entity: str, batches: Sequence[Batch]) -> dict[tuple[Hashable, ...], Record]:
    key_columns = contract()[entity].key
    records: dict[tuple[Hashable, ...], Record] = defaultdict(Record)
    for index, batch in enumerate(batches):
        for row in _plain_rows(batch.rows):
            record = records[tuple(row[column] for column in key_columns)]
            record.deliveries.append(Delivery(index, row["_row_number"], batch.seen_at, row))
            record.appearances.add(index)
        for key in batch.rejected_keys:
            if key in records:
                records[key].appearances.add(index)
    return dict(records)


def _plain_rows(frame: pd.DataFrame) -> Iterable[Row]:
    """Rows with None for every missing value and plain Python objects for the rest."""
    for row in frame.to_dict("records"):
        yield {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if value is None or (not hasattr(value, "__len__") and pd.isna(value)):
        return None
    return value


def _current(record: Record, batches: Sequence[Batch]) -> Row:
    """The newest version, and only then whether it is deleted."""
    newest = record.newest
    missed = any(batch.is_complete for batch in batches[max(record.appearances) + 1 :])
    return {**newest, "is_deleted": newest.get("deleted_at") is not None or missed}


def _changes(base: Company) -> dict[str, list[Row]]:
    changes: dict[str, list[Row]] = defaultdict(list)
    for change in base.rows("customer_changes"):
        changes[change["customer_id"]].append(change)
    return changes


def _life(base: Company, record: Record, batches: Sequence[Batch], changes: list[Row]) -> Life:
    created_at = record.newest["created_at"]
    versions = _versions(record, created_at)
    return Life(
        created_at=created_at,
        owners=_field_events(base, "manager_id", "employees", versions, changes, created_at),
        relationships=_field_events(base, "relationship_id", "relationships", versions, changes, created_at),
        gone=[*_said_gone(versions, created_at), *_absent(record, batches, created_at)],
    )


@dataclass(frozen=True)
class Version:
    """A content of a record, and since when it holds."""

    since: datetime
    seen_at: datetime
    row: Row


def _versions(record: Record, created_at: datetime) -> list[Version]:
    """The contents a record went through: from its creation on, later ones from when written or first seen."""
    versions: list[Version] = []
    first_by_time: dict[datetime | None, tuple[Any, ...]] = {}
    doubted: set[datetime | None] = set()
    since_by_delivery: dict[int, datetime] = {}
    for delivery in sorted(record.deliveries, key=lambda d: (d.batch, d.number)):
        written = delivery.row.get("updated_at")
        content = _content(delivery.row)
        if first_by_time.setdefault(written, content) != content:
            doubted.add(written)
        trusted = written is not None and written not in doubted
        since_by_delivery[id(delivery)] = delivery.claimed_at if trusted else delivery.seen_at
    reached = created_at
    for delivery in sorted(record.deliveries, key=lambda d: d.age):
        if versions and _content(versions[-1].row) == _content(delivery.row):
            continue
        reached = max(reached, since_by_delivery[id(delivery)]) if versions else created_at
        versions.append(Version(reached, delivery.seen_at, delivery.row))
    return versions


def _content(row: Row) -> tuple[Any, ...]:
    return tuple(
        tuple(value) if hasattr(value, "__len__") and not isinstance(value, str) else value
        for name, value in row.items()
        if name != "updated_at" and not name.startswith("_")
    )


def _field_events(
    base: Company, name: str, entity: str, versions: list[Version], changes: list[Row], created_at: datetime
) -> list[tuple[datetime, str]]:
    """Who or what a field pointed at: the log first, landed versions only after its last entry."""
    log = sorted((c for c in changes if c["field"] == name), key=lambda c: c["changed_at"])
    first = log[0]["old_value"] if log else versions[0].row[name]
    # At the same instant a later event in this list wins.
    events = [(created_at, first)]
    spoken_until = log[-1]["changed_at"] if log else created_at
    events += [(v.since, v.row[name]) for v in versions if v.since > max(spoken_until, created_at)]
    events += [(max(change["changed_at"], created_at), change["new_value"]) for change in log]
    events.sort(key=lambda event: event[0])
    return [(at, base.reference(entity, value)) for at, value in events]


def _said_gone(versions: list[Version], created_at: datetime) -> list[tuple[datetime, datetime | None]]:
    """Spans in which the record's own version said it was deleted."""
    spans: list[tuple[datetime, datetime | None]] = []
    for index, version in enumerate(versions):
        deleted_at = version.row.get("deleted_at")
        if deleted_at is None:
            continue
        since = version.since
        previous = versions[index - 1] if index else None
        told = min(deleted_at, version.seen_at)
        if previous is None:
            since = max(told, since)
        elif previous.row.get("deleted_at") is None and told > previous.since:
            since = told
        until = versions[index + 1].since if index + 1 < len(versions) else None
        spans.append((max(since, created_at), until))
    return spans


def _absent(record: Record, batches: Sequence[Batch], created_at: datetime) -> list[tuple[datetime, datetime | None]]:
    """Spans from a complete batch without the record to the batch that brought it back."""
    spans: list[tuple[datetime, datetime | None]] = []
    gone_since: datetime | None = None
    for index in range(min(record.appearances), len(batches)):
        batch = batches[index]
        if index in record.appearances:
            if gone_since is not None:
                spans.append((max(gone_since, created_at), batch.seen_at))
            gone_since = None
        elif batch.is_complete and gone_since is None:
            gone_since = batch.seen_at
    if gone_since is not None:
        spans.append((max(gone_since, created_at), None))
    return spans


def value_at_the_end(events: Sequence[tuple[datetime, str]], end: datetime) -> str:
    """The value just before `end`; there must be an event before it."""
    return [value for at, value in events if at < end][-1]


# --- facts ------------------------------------------------------------------------------------------------------------


def order_money(c: Company) -> dict[str, tuple[Decimal, Decimal]]:
    """(doanh số, doanh thu) of every live order, unsigned and whatever its status."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in c.rows("order_lines"):
        lines[line["order_id"]].append(line)
    money = {}
    for order in c.rows("orders"):
        own = lines[order["order_id"]]
        sales = sum(((x["quantity"] * x["unit_price"]).quantize(CENT, ROUND_HALF_UP) for x in own), ZERO)
        discount = sum((x["discount_amount"] for x in own), order["discount_amount"])
        vat = sum((x["vat_amount"] for x in own), order["vat_amount"])
        money[order["order_id"]] = (sales, sales - discount + vat)
    return money


def order_counts(order: Row) -> bool:
    """Approved or later; sales and returns alike."""
    return order["status"] in {"approved", "delivering", "partly_delivered", "delivered"}


def interaction_counts(row: Row) -> bool:
    """The KPI's five types with their rules; tasks are judged apart."""
    match row["type"]:
        case "comment":
            return True
        case "email":
            return bool(row["outcome"] == "read")
        case "sms":
            return row["outcome"] in {"delivered", "read"}
        case "call":
            return bool(row["direction"] == "outbound" and row["outcome"] == "answered")
    return False


def interaction_is_contact(row: Row) -> bool:
    """What renews the last contact: also a call that was tried, and an SMS that was only sent; never a comment."""
    match row["type"]:
        case "email":
            return bool(row["outcome"] == "read")
        case "sms":
            return row["outcome"] in {"sent", "delivered", "read"}
        case "call":
            return bool(row["direction"] == "outbound" or row["outcome"] == "answered")
    return False


def task_customers(c: Company, task: Row) -> set[str]:
    """The customers a task names, those that are not there as one 'unknown'."""
    return {
        c.reference("customers", given) for given in (task["customer_ids"] if task["customer_ids"] is not None else [])
    }


def task_state(task: Row, end: datetime) -> str:
    """One state: the final ones, then late, then what the CRM says."""
    if task["status"] in {"completed", "cancelled"}:
        return str(task["status"])
    if task["due_at"] is not None and task["due_at"] < end:
        return "late"
    return str(task["status"])


def payments(c: Company) -> Iterable[tuple[Row, Row | None]]:
    """Counted payments with their order; None for an order that is not there. Those of deleted orders do not count."""
    for payment in c.rows("payments"):
        order = c.tables["orders"].get((payment["order_id"],))
        if order is None or not order["is_deleted"]:
            yield payment, order


# --- the four marts ---------------------------------------------------------------------------------------------------

FUNNEL_COUNTS = (
    "new_customers",
    "new_customers_current",
    "customers_assigned",
    "customers_in_charge",
    "customers_in_charge_current",
    "interactions",
    "activities",
    "orders",
    "returns",
    "pending_orders",
)
FUNNEL_MONEY = ("sales_amount", "revenue_amount", "collected_amount")


def funnel(c: Company) -> pd.DataFrame:
    """fct_funnel: one row per month_date and employee_id with a measure that is not zero."""
    cells: dict[tuple[date, str], dict[str, Any]] = defaultdict(
        lambda: {**dict.fromkeys(FUNNEL_COUNTS, 0), **dict.fromkeys(FUNNEL_MONEY, ZERO)}
    )
    _add_customers(c, cells)
    _add_stock(c, cells)
    _add_actions(c, cells)
    _add_money(c, cells)
    rows = [
        {"month_date": month, "employee_id": employee, **measures}
        for (month, employee), measures in cells.items()
        if any(measures.values())
    ]
    return pd.DataFrame(rows, columns=["month_date", "employee_id", *FUNNEL_COUNTS, *FUNNEL_MONEY], dtype=object)


Cells = dict[tuple[date, str], dict[str, Any]]


def _add_customers(c: Company, cells: Cells) -> None:
    for customer in c.tables["customers"].values():
        life = c.lives[customer["customer_id"]]
        month = month_of(customer["created_at"].date())
        owner_then = value_at_the_end(life.owners, customer["created_at"] + timedelta(microseconds=1))
        cells[month, owner_then]["new_customers"] += 1
        if not customer["is_deleted"]:
            cells[month, c.reference("employees", customer["manager_id"])]["new_customers_current"] += 1
        assigned = {(month_of(at.date()), owner) for at, owner, before in life.starts() if owner != before}
        for cell in assigned:
            cells[cell]["customers_assigned"] += 1


def _add_stock(c: Company, cells: Cells) -> None:
    first = min((life.created_at.date() for life in c.lives.values()), default=c.as_of)
    for month in pd.date_range(month_of(first), c.as_of, freq="MS"):
        end = min((month + pd.offsets.MonthBegin(1)).to_pydatetime(), c.end)
        for customer_id, life in c.lives.items():
            customer = c.tables["customers"][(customer_id,)]
            if life.lives_at_the_end(end):
                cells[month.date(), value_at_the_end(life.owners, end)]["customers_in_charge"] += 1
            if customer["created_at"] < end and not customer["is_deleted"]:
                owner_now = c.reference("employees", customer["manager_id"])
                cells[month.date(), owner_now]["customers_in_charge_current"] += 1


def _add_actions(c: Company, cells: Cells) -> None:
    for interaction in c.rows("interactions"):
        employee = c.reference("employees", interaction["employee_id"])
        if interaction_counts(interaction):
            cells[month_of(interaction["occurred_at"].date()), employee]["interactions"] += 1
    for task in c.rows("tasks"):
        employee = c.reference("employees", task["assignee_id"])
        cell = cells[month_of(task["created_at"].date()), employee]
        cell["activities"] += 1
        if task["status"] != "cancelled":
            cell["interactions"] += len(task_customers(c, task))


def _add_money(c: Company, cells: Cells) -> None:
    money = order_money(c)
    for order in c.rows("orders"):
        cell = cells[month_of(order["order_date"]), c.reference("employees", order["executor_id"])]
        is_return = order["order_type"] == "return"
        if order["status"] == "pending" and not is_return:
            cell["pending_orders"] += 1
        if not order_counts(order):
            continue
        sales, revenue = money[order["order_id"]]
        cell["returns" if is_return else "orders"] += 1
        cell["sales_amount"] += -sales if is_return else sales
        cell["revenue_amount"] += -revenue if is_return else revenue
    for payment, paid_order in payments(c):
        employee = UNKNOWN if paid_order is None else c.reference("employees", paid_order["executor_id"])
        cells[month_of(payment["paid_on"]), employee]["collected_amount"] += payment["amount"]


TASK_COUNTS = (
    "tasks_created",
    "tasks_new",
    "tasks_in_progress",
    "tasks_awaiting_confirmation",
    "tasks_late",
    "tasks_completed",
    "tasks_completed_late",
    "tasks_cancelled",
)


def task_status(c: Company) -> pd.DataFrame:
    """fct_task_status: one row per month of creation, assignee, project and type."""
    cells: dict[tuple[date, str, str, str], Counter[str]] = defaultdict(Counter)
    for task in c.rows("tasks"):
        cell = cells[
            month_of(task["created_at"].date()),
            c.reference("employees", task["assignee_id"]),
            c.reference("projects", task["project_id"]),
            c.reference("task_types", task["task_type_id"]),
        ]
        state = task_state(task, c.end)
        cell["tasks_created"] += 1
        cell[f"tasks_{state}"] += 1
        confirmed, due = task["completed_at"], task["due_at"]
        if state == "completed" and confirmed is not None and due is not None and confirmed > due:
            cell["tasks_completed_late"] += 1
    keys = ["month_date", "employee_id", "project_id", "task_type_id"]
    rows = [
        {**dict(zip(keys, key, strict=True)), **{name: cell[name] for name in TASK_COUNTS}}
        for key, cell in cells.items()
    ]
    return pd.DataFrame(rows, columns=[*keys, *TASK_COUNTS], dtype=object)


COHORT_COLUMNS = (
    "customer_id",
    "cohort_month_date",
    "manager_id",
    "relationship_id",
    "province_id",
    "gender",
    "age_years",
    "age_band",
    "care_recency_days",
    "care_recency_bucket",
    "last_contact_at",
    "first_order_date",
    "orders",
    "sales_amount",
    "revenue_amount",
    "collected_amount",
    "days_to_first_order",
    "has_negative_cycle",
    "is_deleted",
)


def cohort(c: Company) -> pd.DataFrame:
    """dim_customer_cohort: one row per customer, live or deleted."""
    orders = _by_customer(c, c.rows("orders"), lambda order: order["customer_id"])
    collected: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for payment, paid_order in payments(c):
        if paid_order is not None:
            collected[c.reference("customers", paid_order["customer_id"])] += payment["amount"]
    contacts = _last_contacts(c)
    birthdays = _birthdays(c)
    money = order_money(c)
    rows = []
    for customer in c.tables["customers"].values():
        customer_id = customer["customer_id"]
        own = [order for order in orders[customer_id] if order_counts(order)]
        sales = [order for order in own if order["order_type"] == "sale"]
        first = min((order["order_date"] for order in sales), default=None)
        waited = None if first is None else (first - customer["created_at"].date()).days
        age = age_on(birthdays.get(customer_id), c.as_of)
        contact = contacts.get(customer_id)
        recency = None if contact is None else (c.as_of - contact.date()).days
        signs = [(-1 if order["order_type"] == "return" else 1, money[order["order_id"]]) for order in own]
        rows.append(
            {
                "customer_id": customer_id,
                "cohort_month_date": month_of(customer["created_at"].date()),
                "manager_id": c.reference("employees", customer["manager_id"]),
                "relationship_id": c.reference("relationships", customer["relationship_id"]),
                "province_id": c.reference("provinces", customer["province_id"]),
                "gender": customer["gender"] or UNKNOWN,
                "age_years": age,
                "age_band": age_band(age),
                "care_recency_days": recency,
                "care_recency_bucket": recency_bucket(recency),
                "last_contact_at": contact,
                "first_order_date": first,
                "orders": len(sales),
                "sales_amount": sum((sign * amounts[0] for sign, amounts in signs), ZERO),
                "revenue_amount": sum((sign * amounts[1] for sign, amounts in signs), ZERO),
                "collected_amount": collected[customer_id],
                "days_to_first_order": None if waited is None or waited < 0 else waited,
                "has_negative_cycle": waited is not None and waited < 0,
                "is_deleted": customer["is_deleted"],
            }
        )
    return pd.DataFrame(rows, columns=list(COHORT_COLUMNS), dtype=object)


def _by_customer(c: Company, rows: Iterable[Row], given: Callable[[Row], str | None]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[c.reference("customers", given(row))].append(row)
    return found


def _last_contacts(c: Company) -> dict[str, datetime]:
    derived: dict[str, datetime] = {}

    def touch(customer_id: str, at: datetime) -> None:
        if at < c.end:
            derived[customer_id] = max(derived.get(customer_id, at), at)

    for interaction in c.rows("interactions"):
        if interaction_is_contact(interaction):
            touch(c.reference("customers", interaction["customer_id"]), interaction["occurred_at"])
    for order in c.rows("orders"):
        if order["order_type"] == "sale":
            written_up = order["created_at"] or datetime.combine(order["order_date"], time.min)
            touch(c.reference("customers", order["customer_id"]), written_up)
    for customer in c.tables["customers"].values():
        reported = customer["last_contact_at"]
        if reported is not None and reported < c.end:
            derived[customer["customer_id"]] = reported
    return derived


def _birthdays(c: Company) -> dict[str, date]:
    birthdays: dict[str, date] = {}
    contacts = sorted(c.rows("contacts"), key=lambda contact: contact["contact_id"], reverse=True)
    for contact in contacts:
        if contact["is_primary"] and contact["birthday"] is not None:
            birthdays[contact["customer_id"]] = contact["birthday"]
    for customer in c.tables["customers"].values():
        if customer["birthday"] is not None:
            birthdays[customer["customer_id"]] = customer["birthday"]
    return birthdays


def age_on(birthday: date | None, on: date) -> int | None:
    """Whole years on that day; None without a birthday, or before it."""
    if birthday is None or birthday > on:
        return None
    return on.year - birthday.year - ((on.month, on.day) < (birthday.month, birthday.day))


def age_band(age: int | None) -> str:
    """The default bands."""
    if age is None:
        return UNKNOWN
    bands = [(18, "under_18"), (25, "18_to_24"), (35, "25_to_34"), (45, "35_to_44"), (55, "45_to_54"), (65, "55_to_64")]
    return next((band for end, band in bands if age < end), "65_and_over")


def recency_bucket(days: int | None) -> str:
    """The default buckets."""
    if days is None:
        return "never"
    buckets = [(7, "0_to_6_days"), (14, "7_to_13_days"), (30, "14_to_29_days"), (90, "30_to_89_days")]
    return next((bucket for end, bucket in buckets if days < end), "90_days_and_more")


def journey(c: Company) -> pd.DataFrame:
    """fct_journey: every customer at the end of every day, one by one."""
    stock: Counter[tuple[date, str, str, date | None]] = Counter()
    for life in c.lives.values():
        created = life.created_at.date()
        for offset in range((c.as_of - created).days + 1):
            day = created + timedelta(days=offset)
            end = datetime.combine(day + timedelta(days=1), time.min)
            if life.lives_at_the_end(end):
                shown = created if offset <= JOURNEY_DAYS else None
                owner, relationship = value_at_the_end(life.owners, end), value_at_the_end(life.relationships, end)
                stock[day, owner, relationship, shown] += 1
    rows = [
        {"as_of_date": day, "manager_id": owner, "relationship_id": relationship, "created_date": shown, "customers": n}
        for (day, owner, relationship, shown), n in stock.items()
    ]
    columns = ["as_of_date", "manager_id", "relationship_id", "created_date", "customers"]
    return pd.DataFrame(rows, columns=columns, dtype=object)
