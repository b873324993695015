"""Why two figures differ: every line of the reconciliation, computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/reconciliation/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`).

Every line is stated as what it means, customer by customer and order by order; the figures on both sides come from
the oracles of the marts that show them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

import pandas as pd

from tests.oracle import oracle, sisters, structure
from tests.oracle.oracle import NONE, UNKNOWN, ZERO, Company, Life, Row, month_of, order_counts, value_at_the_end

CENT = Decimal("0.01")
NOBODY = frozenset({NONE, UNKNOWN})


def _lines(figure_from: str, explains: str, figure_to: str) -> tuple[tuple[str, str], ...]:
    middle = [(line, "explains") for line in explains.split()]
    return ((figure_from, "figure_from"), *middle, (figure_to, "figure_to"))


_SOLD = "sold_to_deleted_customers sold_to_unknown_customers"
_SUMS = _lines("total", "again_in_second_member again_in_further_members", "sum_of_members")
_THEN = _lines("of_people_now", "people_who_came_since people_who_left_since", "of_people_then")
_ALL = _lines("of_people_now", "of_further_members", "of_all_members")
# topic and metric: unit and lines in their order.
LINES: Mapping[tuple[str, str], tuple[str, tuple[tuple[str, str], ...]]] = {
    ("revenue_by_executor_or_owner", "revenue_amount"): (
        "currency",
        _lines(
            "revenue_executed",
            f"sold_to_customers_of_others {_SOLD} sold_by_others revenue_of_other_months",
            "revenue_of_own_customers",
        ),
    ),
    ("orders_by_executor_or_owner", "orders"): (
        "orders",
        _lines(
            "executed_by_department",
            "sold_to_customers_of_other_departments sold_to_customers_without_department "
            f"{_SOLD} sold_by_other_departments sold_by_people_without_department",
            "orders_of_department_customers",
        ),
    ),
    **{
        ("total_or_sum_of_members", metric): (unit, _SUMS)
        for metric, unit in {
            "new_customers_by_source": "customers",
            "orders_by_source": "orders",
            "sales_amount_by_source": "currency",
            "revenue_amount_by_source": "currency",
            "customers_by_source": "customers",
            "customers_by_industry": "customers",
            "customer_revenue_by_source": "currency",
            "customer_revenue_by_industry": "currency",
        }.items()
    },
    ("kpi_or_card_interactions", "interactions"): (
        "interactions",
        _lines(
            "kpi_interactions",
            "customers_created sms_only_sent comments_deleted on_card_only not_on_card",
            "card_interactions",
        ),
    ),
    ("created_or_assigned", "customers"): (
        "customers",
        _lines(
            "new_customers",
            "received_from_others received_from_nobody several_times_in_month first_owner_in_another_month "
            "never_in_charge",
            "customers_assigned",
        ),
    ),
    ("customers_or_persons", "persons"): (
        "persons",
        _lines("customers", "contacts_with_age contacts_without_age", "persons"),
    ),
    ("customers_or_persons", "persons_of_known_age"): (
        "persons",
        _lines("customers_of_known_age", "age_taken_from_contact contacts_with_age", "persons_of_known_age"),
    ),
    ("tasks_created_or_state", "tasks_not_cancelled"): (
        "tasks",
        _lines("tasks_created", "tasks_cancelled", "tasks_in_other_states"),
    ),
    ("tasks_created_or_state", "tasks_confirmed"): (
        "tasks",
        _lines(
            "tasks_created",
            "tasks_cancelled tasks_open confirmed_without_time confirmed_in_another_month created_in_another_month",
            "tasks_confirmed",
        ),
    ),
    ("sales_revenue_collected", "revenue_amount"): ("currency", _lines("sales", "discounts vat", "revenue")),
    ("sales_revenue_collected", "collected_amount"): (
        "currency",
        _lines(
            "revenue",
            "not_collected_in_month collected_for_earlier_orders collected_for_later_orders "
            "collected_for_pending_orders collected_for_cancelled_orders collected_for_unknown_orders",
            "collected",
        ),
    ),
    ("then_or_now", "customers_in_charge"): (
        "customers",
        _lines("in_charge_then", "handed_over_since deleted_since received_since restored_since", "in_charge_now"),
    ),
    ("then_or_now", "new_customers"): (
        "customers",
        _lines("new_customers", "handed_over_since deleted_since received_since", "new_customers_now"),
    ),
    ("members_or_department", "ordering_customers"): (
        "customers",
        _lines("sum_over_people", "bought_from_several_people", "ordering_customers"),
    ),
    ("members_or_department", "orders_by_department_then"): ("orders", _THEN),
    ("members_or_department", "revenue_amount_by_department_then"): ("currency", _THEN),
    ("members_or_department", "orders_of_all_members"): ("orders", _ALL),
    ("members_or_department", "revenue_amount_of_all_members"): ("currency", _ALL),
}
DEPARTMENT_TOPICS = frozenset({"orders_by_executor_or_owner", "members_or_department"})


# --- the rows behind --------------------------------------------------------------------------------------------------


def customer_owners(c: Company) -> pd.DataFrame:
    """fct_customer_owners, without how a start is known (is_inferred_start)."""
    rows = []
    for customer_id, life in c.lives.items():
        for number, ((since, to, owner), (_, _, before)) in enumerate(
            zip(life.stretches(), life.starts(), strict=True), 1
        ):
            reason = "first" if number == 1 else "restored" if before == owner else "handover"
            rows.append(
                {
                    "customer_id": customer_id,
                    "owner_number": number,
                    "manager_id": owner,
                    "previous_manager_id": before,
                    "valid_from_at": since,
                    "valid_from_date": since.date(),
                    "month_date": month_of(since.date()),
                    "valid_to_at": to,
                    "valid_to_date": None if to is None else to.date(),
                    "start_reason": reason,
                    "assignments": int(reason != "restored"),
                    "is_first_owner": number == 1,
                    "is_open": since < c.end and (to is None or to >= c.end),
                }
            )
    return pd.DataFrame(rows, dtype=object)


def _card_row(key: str, customer: str, employee: str, event: str, outcome: str | None, at: datetime) -> Row:
    return {
        "card_key": key,
        "customer_id": customer,
        "employee_id": employee,
        "event_type": event,
        "outcome": outcome,
        "occurred_at": at,
        "occurred_date": at.date(),
        "month_date": month_of(at.date()),
    }


def _is_on_card(interaction: Row) -> bool:
    """The card's rules: as the KPI's, but an SMS needs only be sent, and a comment stays when it is deleted."""
    if interaction["is_deleted"]:
        return bool(interaction["type"] == "comment")
    if interaction["type"] == "sms":
        return interaction["outcome"] in {"sent", "delivered", "read"}
    return oracle.interaction_counts(interaction)


def card_interactions(c: Company) -> pd.DataFrame:
    """fct_card_interactions."""
    rows = []
    for interaction in c.tables["interactions"].values():
        counts = not interaction["is_deleted"] and oracle.interaction_counts(interaction)
        on_card = _is_on_card(interaction)
        if counts or on_card:
            row = _card_row(
                f"interaction:{interaction['interaction_id']}",
                c.reference("customers", interaction["customer_id"]),
                c.reference("employees", interaction["employee_id"]),
                interaction["type"],
                interaction["outcome"],
                interaction["occurred_at"],
            )
            row |= {"is_deleted": interaction["is_deleted"], "interactions": int(counts)}
            rows.append(row | {"card_interactions": int(on_card)})
    for task in c.rows("tasks"):
        for customer in oracle.task_customers(c, task) if task["status"] != "cancelled" else ():
            key = f"task:{task['task_id']}:{customer}"
            assignee = c.reference("employees", task["assignee_id"])
            row = _card_row(key, customer, assignee, "task", task["status"], task["created_at"])
            rows.append(row | {"is_deleted": False, "interactions": 1, "card_interactions": 1})
    for customer_row in c.tables["customers"].values():
        customer = customer_row["customer_id"]
        creator = c.reference("employees", customer_row["creator_id"])
        row = _card_row(f"customer:{customer}", customer, creator, "created", None, customer_row["created_at"])
        rows.append(row | {"is_deleted": customer_row["is_deleted"], "interactions": 0, "card_interactions": 1})
    return pd.DataFrame(rows, dtype=object)


def further_departments(c: Company, employee: str) -> set[str]:
    """Live departments that somebody belongs to beside the primary one."""
    found = {
        membership["department_id"]
        for membership in c.rows("department_memberships")
        if membership["employee_id"] == employee
    }
    live = {department["department_id"] for department in c.rows("departments")}
    return (found & live) - {sisters.department_of(c, employee)}


def employee_departments(c: Company) -> pd.DataFrame:
    """fct_employee_departments."""
    rows: list[tuple[str, str, bool, datetime | None, datetime | None, bool]] = []
    for employee, places in c.workplaces.items():
        moves = [place for n, place in enumerate(places) if n == 0 or places[n - 1][1] != place[1]]
        ends = [since for since, _ in moves[1:]] + [None]
        for (since, department), end in zip(moves, ends, strict=True):
            rows.append((employee, department, True, since, end, end is None))
        rows += [(employee, department, False, None, None, True) for department in further_departments(c, employee)]
    columns = ["employee_id", "department_id", "is_primary", "valid_from_at", "valid_to_at", "is_current"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


# --- the lines --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """What is added to one line."""

    topic: str
    metric: str
    line: str
    month: date
    owner: str
    value: Decimal | int


@dataclass(frozen=True)
class Sale:
    """A counted order with everything the lines ask of it; money and orders are signed."""

    month: date
    day: date
    customer: str
    customer_state: str
    executor: str
    manager: str
    orders: int
    revenue: Decimal


def sales(c: Company) -> list[Sale]:
    """Every counted sale and return."""
    money = oracle.order_money(c)
    found = []
    for order in filter(order_counts, c.rows("orders")):
        is_return = order["order_type"] == "return"
        customer_id = c.reference("customers", order["customer_id"])
        customer = c.tables["customers"].get((customer_id,))
        revenue = money[order["order_id"]][1]
        found.append(
            Sale(
                month=month_of(order["order_date"]),
                day=order["order_date"],
                customer=customer_id,
                customer_state=UNKNOWN if customer is None else "deleted" if customer["is_deleted"] else "live",
                executor=c.reference("employees", order["executor_id"]),
                manager=customer_id if customer is None else c.reference("employees", customer["manager_id"]),
                orders=0 if is_return else 1,
                revenue=-revenue if is_return else revenue,
            )
        )
    return found


def _revenue_by_owner(c: Company) -> Iterator[Entry]:
    add = partial(Entry, "revenue_by_executor_or_owner", "revenue_amount")
    sold = sales(c)
    for cell in oracle.funnel(c).to_dict("records"):
        month, who = cell["month_date"], cell["employee_id"]
        own = [sale for sale in sold if sale.customer_state == "live" and sale.manager == who]
        yield add("revenue_executed", month, who, cell["revenue_amount"])
        yield add("revenue_of_own_customers", month, who, sum((sale.revenue for sale in own), ZERO))
        for sale in sold:
            if sale.month == month and sale.executor == who and sale.customer_state != "live":
                yield add(f"sold_to_{sale.customer_state}_customers", month, who, -sale.revenue)
            elif sale.month == month and sale.executor == who != sale.manager:
                yield add("sold_to_customers_of_others", month, who, -sale.revenue)
        for sale in own:
            if sale.month != month:
                yield add("revenue_of_other_months", month, who, sale.revenue)
            elif sale.executor != who:
                yield add("sold_by_others", month, who, sale.revenue)


def _orders_by_owner(c: Company) -> Iterator[Entry]:
    add = partial(Entry, "orders_by_executor_or_owner", "orders")
    for row in sisters.department_month(c).to_dict("records"):
        yield add("executed_by_department", row["month_date"], row["department_id"], row["orders"])
    for sale in sales(c):
        sellers, owners = (sisters.department_of(c, person) for person in (sale.executor, sale.manager))
        if sale.customer_state != "live":
            yield add(f"sold_to_{sale.customer_state}_customers", sale.month, sellers, -sale.orders)
            continue
        yield add("orders_of_department_customers", sale.month, owners, sale.orders)
        if sellers != owners:
            lost = "without_department" if owners in NOBODY else "of_other_departments"
            won = "people_without_department" if sellers in NOBODY else "other_departments"
            yield add(f"sold_to_customers_{lost}", sale.month, sellers, -sale.orders)
            yield add(f"sold_by_{won}", sale.month, owners, sale.orders)


def _again(topic_metric: str, month: date, owner: str, members: int, figure: Decimal | int) -> Iterator[Entry]:
    add = partial(Entry, "total_or_sum_of_members", topic_metric)
    for number in range(2, members + 1):
        line = "again_in_second_member" if number == 2 else "again_in_further_members"
        yield add(line, month, owner, figure)


def _sums_of_members(c: Company) -> Iterator[Entry]:
    measures = ("new_customers", "orders", "sales_amount", "revenue_amount")
    for measure in measures:
        add = partial(Entry, "total_or_sum_of_members", f"{measure}_by_source")
        for line, frame in (("total", oracle.funnel(c)), ("sum_of_members", structure.funnel_by_source(c))):
            for row in frame.to_dict("records"):
                yield add(line, row["month_date"], row["employee_id"], row[measure])
    for customer in c.tables["customers"].values():
        members = structure.members(c, "sources", customer["source_ids"])
        month = month_of(customer["created_at"].date())
        yield from _again("new_customers_by_source", month, _first_owner(c, customer), len(members), 1)
    money = oracle.order_money(c)
    for order in filter(order_counts, c.rows("orders")):
        owner = c.tables["customers"].get((order["customer_id"],))
        members = [UNKNOWN] if owner is None else structure.members(c, "sources", owner["source_ids"])
        sign = -1 if order["order_type"] == "return" else 1
        amounts: tuple[Decimal | int, ...] = (max(sign, 0), *(sign * amount for amount in money[order["order_id"]]))
        executor = c.reference("employees", order["executor_id"])
        for measure, amount in zip(measures[1:], amounts, strict=True):
            yield from _again(f"{measure}_by_source", month_of(order["order_date"]), executor, len(members), amount)
    yield from _structure_sums(c)


def _structure_sums(c: Company) -> Iterator[Entry]:
    this_month = month_of(c.as_of)
    for customer in oracle.cohort(c).to_dict("records"):
        if customer["is_deleted"]:
            continue
        row = c.tables["customers"][(customer["customer_id"],)]
        for dimension, entity, ids in (
            ("source", "sources", row["source_ids"]),
            ("industry", "industries", row["industry_ids"]),
        ):
            members = structure.members(c, entity, ids)
            for measure, figure in (("customers", 1), ("customer_revenue", customer["revenue_amount"])):
                metric, who = f"{measure}_by_{dimension}", customer["manager_id"]
                add = partial(Entry, "total_or_sum_of_members", metric)
                yield add("total", this_month, who, figure)
                yield add("sum_of_members", this_month, who, figure * len(members))
                yield from _again(metric, this_month, who, len(members), figure)


def _card(c: Company) -> Iterator[Entry]:
    add = partial(Entry, "kpi_or_card_interactions", "interactions")
    for cell in oracle.funnel(c).to_dict("records"):
        yield add("kpi_interactions", cell["month_date"], cell["employee_id"], cell["interactions"])
    lines = {"created": "customers_created", "comment": "comments_deleted", "sms": "sms_only_sent"}
    for event in card_interactions(c).to_dict("records"):
        yield add("card_interactions", event["month_date"], event["employee_id"], event["card_interactions"])
        if event["interactions"] == 0:
            yield add(lines[event["event_type"]], event["month_date"], event["employee_id"], 1)


def _first_owner(c: Company, customer: Row) -> str:
    return value_at_the_end(c.lives[customer["customer_id"]].owners, customer["created_at"] + timedelta(microseconds=1))


def _assigned(c: Company) -> Iterator[Entry]:
    add = partial(Entry, "created_or_assigned", "customers")
    for cell in oracle.funnel(c).to_dict("records"):
        month, who = cell["month_date"], cell["employee_id"]
        yield add("new_customers", month, who, cell["new_customers"])
        yield add("customers_assigned", month, who, cell["customers_assigned"])
    for life in c.lives.values():
        created = month_of(life.created_at.date())
        starts = life.starts()
        # The demo has no customer that was deleted at its very creation.
        assert starts, "a customer was never in anybody's charge"
        assert month_of(starts[0][0].date()) == created, "a customer was there only after the month of its creation"
        ways = Counter((month_of(at.date()), owner) for at, owner, before in starts if owner != before)
        for (month, owner), times in ways.items():
            yield add("several_times_in_month", month, owner, 1 - times)
        for at, owner, before in starts[1:]:
            if owner != before:
                line = "received_from_nobody" if before in NOBODY else "received_from_others"
                yield add(line, month_of(at.date()), owner, 1)


def _people(c: Company) -> Iterator[Entry]:
    month = month_of(c.as_of)
    contacts: dict[str, list[Row]] = defaultdict(list)
    for contact in c.rows("contacts"):
        contacts[contact["customer_id"]].append(contact)
    for customer in oracle.cohort(c).to_dict("records"):
        if customer["is_deleted"]:
            continue
        who = customer["manager_id"]
        all_ages, known = (partial(Entry, "customers_or_persons", m) for m in ("persons", "persons_of_known_age"))
        yield all_ages("customers", month, who, 1)
        yield all_ages("persons", month, who, 1)
        own = oracle.age_on(c.tables["customers"][(customer["customer_id"],)]["birthday"], c.as_of)
        if customer["age_years"] is not None:
            yield known("customers_of_known_age", month, who, 1)
        if own is not None:
            yield known("persons_of_known_age", month, who, 1)
        elif customer["age_years"] is not None:
            yield known("age_taken_from_contact", month, who, -1)
        for contact in contacts[customer["customer_id"]]:
            age = oracle.age_on(contact["birthday"], c.as_of)
            yield all_ages("persons", month, who, 1)
            yield all_ages("contacts_without_age" if age is None else "contacts_with_age", month, who, 1)
            if age is not None:
                yield known("contacts_with_age", month, who, 1)
                yield known("persons_of_known_age", month, who, 1)


def _task_states(c: Company) -> Iterator[Entry]:
    states, confirmed = (
        partial(Entry, "tasks_created_or_state", m) for m in ("tasks_not_cancelled", "tasks_confirmed")
    )
    for task in c.rows("tasks"):
        who, created = c.reference("employees", task["assignee_id"]), month_of(task["created_at"].date())
        for add in (states, confirmed):
            yield add("tasks_created", created, who, 1)
            if task["status"] == "cancelled":
                yield add("tasks_cancelled", created, who, -1)
        if task["status"] == "cancelled":
            continue
        yield states("tasks_in_other_states", created, who, 1)
        if task["status"] != "completed":
            yield confirmed("tasks_open", created, who, -1)
        elif task["completed_at"] is None:
            yield confirmed("confirmed_without_time", created, who, -1)
        else:
            done = month_of(task["completed_at"].date())
            yield confirmed("tasks_confirmed", done, who, 1)
            if done != created:
                yield confirmed("confirmed_in_another_month", created, who, -1)
                yield confirmed("created_in_another_month", done, who, 1)


def _moneys(c: Company) -> Iterator[Entry]:
    topic = "sales_revenue_collected"
    billed, cash = partial(Entry, topic, "revenue_amount"), partial(Entry, topic, "collected_amount")
    for cell in oracle.funnel(c).to_dict("records"):
        month, who = cell["month_date"], cell["employee_id"]
        yield billed("sales", month, who, cell["sales_amount"])
        yield billed("revenue", month, who, cell["revenue_amount"])
        yield cash("revenue", month, who, cell["revenue_amount"])
        yield cash("collected", month, who, cell["collected_amount"])
    money = oracle.order_money(c)
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in c.rows("order_lines"):
        lines[line["order_id"]].append(line)
    for order in filter(order_counts, c.rows("orders")):
        sign = -1 if order["order_type"] == "return" else 1
        month, who = month_of(order["order_date"]), c.reference("employees", order["executor_id"])
        parts = [order, *lines[order["order_id"]]]
        yield billed("discounts", month, who, -sign * sum((part["discount_amount"] for part in parts), ZERO))
        yield billed("vat", month, who, sign * sum((part["vat_amount"] for part in parts), ZERO))
        yield cash("not_collected_in_month", month, who, -sign * money[order["order_id"]][1])
    for payment, paid in oracle.payments(c):
        month = month_of(payment["paid_on"])
        who = UNKNOWN if paid is None else c.reference("employees", paid["executor_id"])
        yield cash(_paid_line(paid, month), month, who, payment["amount"])


def _paid_line(paid: Row | None, month: date) -> str:
    if paid is None:
        return "collected_for_unknown_orders"
    if not order_counts(paid):
        return f"collected_for_{paid['status']}_orders"
    ordered = month_of(paid["order_date"])
    if ordered == month:
        return "not_collected_in_month"
    return f"collected_for_{'earlier' if ordered < month else 'later'}_orders"


def _then_or_now(c: Company) -> Iterator[Entry]:
    stock, new = (partial(Entry, "then_or_now", metric) for metric in ("customers_in_charge", "new_customers"))
    for cell in oracle.funnel(c).to_dict("records"):
        month, who = cell["month_date"], cell["employee_id"]
        yield stock("in_charge_then", month, who, cell["customers_in_charge"])
        yield stock("in_charge_now", month, who, cell["customers_in_charge_current"])
        yield new("new_customers", month, who, cell["new_customers"])
        yield new("new_customers_now", month, who, cell["new_customers_current"])
    for customer in c.tables["customers"].values():
        life = c.lives[customer["customer_id"]]
        now = None if customer["is_deleted"] else c.reference("employees", customer["manager_id"])
        created = month_of(life.created_at.date())
        yield from _since(new, created, _first_owner(c, customer), now)
        for month in pd.date_range(created, c.as_of, freq="MS"):
            end = min((month + pd.offsets.MonthBegin(1)).to_pydatetime(), c.end)
            if life.created_at < end:
                yield from _since(stock, month.date(), _in_charge(life, end), now)


def _in_charge(life: Life, end: datetime) -> str | None:
    return value_at_the_end(life.owners, end) if life.lives_at_the_end(end) else None


def _since(
    add: Callable[[str, date, str, int], Entry], month: date, then: str | None, now: str | None
) -> Iterator[Entry]:
    """What became of one customer between then and now; None is nobody's, deleted."""
    if then == now:
        return
    if then is not None:
        yield add("deleted_since" if now is None else "handed_over_since", month, then, -1)
    if now is not None:
        yield add("restored_since" if then is None else "received_since", month, now, 1)


def _members(c: Company) -> Iterator[Entry]:
    topic = "members_or_department"
    count = partial(Entry, topic, "ordering_customers")
    sellers: dict[tuple[date, str, str], set[str]] = defaultdict(set)
    for sale in sales(c):
        now = sisters.department_of(c, sale.executor)
        places = c.workplaces.get(sale.executor, ())
        end_of_day = datetime.combine(sale.day + timedelta(days=1), time.min)
        then = value_at_the_end(places, end_of_day) if places else now
        if sale.orders:
            sellers[sale.month, now, sale.customer].add(sale.executor)
        for measure, figure in (("orders", sale.orders), ("revenue_amount", sale.revenue)):
            moved = partial(Entry, topic, f"{measure}_by_department_then")
            shared = partial(Entry, topic, f"{measure}_of_all_members")
            yield moved("of_people_now", sale.month, now, figure)
            yield moved("of_people_then", sale.month, then, figure)
            if then != now:
                yield moved("people_who_came_since", sale.month, now, -figure)
                yield moved("people_who_left_since", sale.month, then, figure)
            yield shared("of_people_now", sale.month, now, figure)
            yield shared("of_all_members", sale.month, now, figure)
            for department in further_departments(c, sale.executor):
                yield shared("of_further_members", sale.month, department, figure)
                yield shared("of_all_members", sale.month, department, figure)
    for (month, department, _), people in sellers.items():
        yield count("sum_over_people", month, department, len(people))
        yield count("bought_from_several_people", month, department, 1 - len(people))
        yield count("ordering_customers", month, department, 1)


TOPICS = (
    _revenue_by_owner,
    _orders_by_owner,
    _sums_of_members,
    _card,
    _assigned,
    _people,
    _task_states,
    _moneys,
    _then_or_now,
    _members,
)


def reconciliation(c: Company) -> pd.DataFrame:
    """kpi_reconciliation."""
    comparisons: dict[tuple[str, str, date, str], dict[str, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for topic in TOPICS:
        for entry in topic(c):
            if entry.topic in DEPARTMENT_TOPICS and entry.owner in NOBODY:
                continue
            comparisons[entry.topic, entry.metric, entry.month, entry.owner][entry.line] += Decimal(entry.value)
    rows = []
    for (name, metric, month, owner), values in comparisons.items():
        if not any(values.values()):
            continue
        unit, lines = LINES[name, metric]
        assert values.keys() <= {line for line, _ in lines}, (name, metric, values.keys())
        for number, (line, kind) in enumerate(lines, 1):
            rows.append(
                {
                    "topic": name,
                    "metric": metric,
                    "month_date": month,
                    "employee_id": NONE if name in DEPARTMENT_TOPICS else owner,
                    "department_id": owner if name in DEPARTMENT_TOPICS else NONE,
                    "line_number": number,
                    "line": line,
                    "line_kind": kind,
                    "value": values[line].quantize(CENT),
                    "unit": unit,
                }
            )
    return pd.DataFrame(rows, dtype=object)


Compute = Callable[[Company], pd.DataFrame]
MARTS: Mapping[str, tuple[tuple[str, ...], Compute]] = {
    "fct_customer_owners": (("customer_id", "owner_number"), customer_owners),
    "fct_card_interactions": (("card_key",), card_interactions),
    "fct_employee_departments": (("employee_id", "department_id", "is_primary", "valid_from_at"), employee_departments),
    "kpi_reconciliation": (
        ("topic", "metric", "month_date", "employee_id", "department_id", "line"),
        reconciliation,
    ),
}
# Told by core, where it is tested: whether the log or a version said when a stretch starts. A name in the catalogue,
# tested with `kpi explain`: which metric a figure is.
NOT_COMPARED = frozenset({"is_inferred_start", "figure_metric"})
