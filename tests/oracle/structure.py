"""Whose customers, from where, how old; who sold what; by which means: computed from landed rows without SQL.

Belongs here: pure functions from the company to the rows of the marts in `models/marts/structure/`. Not here: the
company itself and the rules shared with the card's marts (`oracle.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from tests.oracle import oracle
from tests.oracle.oracle import CENT, NONE, UNKNOWN, ZERO, Company, Row, month_of

MILLIONTH = Decimal("0.000001")
ONE = Decimal(1)
PROVINCES_SHOWN = 5
PLACEHOLDER_NAMES = {NONE: "(none)", UNKNOWN: "(unknown)"}
Measures = defaultdict[str, Any]
Cells = dict[tuple[Any, ...], Measures]


def parts(amount: Decimal, weights: Iterable[Decimal], unit: Decimal = CENT) -> list[Decimal]:
    """The amount in proportion to the weights, in whole units that add up to it: each running total is rounded."""
    weights = list(weights)
    totals = [sum(weights[:end], Decimal(0)) / sum(weights) for end in range(1, len(weights) + 1)]
    reached = [(abs(amount) * total).quantize(unit, ROUND_HALF_UP) for total in totals]
    sizes = [now - before for before, now in zip([Decimal(0), *reached], reached, strict=False)]
    return [-size if amount < 0 else size for size in sizes]


def equal_parts(amount: Decimal, n: int, unit: Decimal = CENT) -> list[Decimal]:
    """The amount in n equal parts that add up to it."""
    return parts(amount, [ONE] * n, unit)


def members(c: Company, entity: str, ids: Any) -> list[str]:
    """The members a list names, each once, in order; 'none' when it names nothing."""
    given = [] if ids is None else [given for given in ids if given is not None]
    return sorted({c.reference(entity, one) for one in given}) or [NONE]


# --- lists of names ---------------------------------------------------------------------------------------------------


def _names(c: Company, entity: str, key: str, name: str, **more: Callable[[Row | None, str], Any]) -> pd.DataFrame:
    """A list with its two placeholders; `more` are further columns from a row (None: the placeholder) and its id."""
    rows: dict[str, dict[str, Any]] = {}
    for placeholder, text in PLACEHOLDER_NAMES.items():
        rows[placeholder] = {name: text, "is_deleted": False, "is_placeholder": True}
        rows[placeholder] |= {column: given(None, placeholder) for column, given in more.items()}
    for (identifier,), row in c.tables[entity].items():
        rows[str(identifier)] = {name: row[name], "is_deleted": row["is_deleted"], "is_placeholder": False}
        rows[str(identifier)] |= {column: given(row, str(identifier)) for column, given in more.items()}
    return pd.DataFrame([{key: identifier, **row} for identifier, row in rows.items()], dtype=object)


def _name(c: Company, entity: str, name: str, identifier: str) -> str:
    row = c.tables[entity].get((identifier,))
    return PLACEHOLDER_NAMES[identifier] if row is None else str(row[name])


def relationships(c: Company) -> pd.DataFrame:
    """dim_relationships."""
    return _names(
        c,
        "relationships",
        "relationship_id",
        "relationship_name",
        relationship_order=lambda row, _: None if row is None else row["relationship_order"],
        is_default=lambda row, _: row is not None and bool(row["is_default"]),
    )


def sources(c: Company) -> pd.DataFrame:
    """dim_sources."""

    def parent(row: Row | None) -> str:
        return NONE if row is None else c.reference("sources", row["parent_source_id"])

    return _names(
        c,
        "sources",
        "source_id",
        "source_name",
        parent_source_id=lambda row, _: parent(row),
        parent_source_name=lambda row, _: _name(c, "sources", "source_name", parent(row)),
    )


def products(c: Company) -> pd.DataFrame:
    """dim_products."""

    def category(row: Row | None, identifier: str) -> str:
        return identifier if row is None else c.reference("product_categories", row["category_id"])

    def group(row: Row | None, identifier: str) -> str:
        """The category at the top; a line that comes back to where it was has none."""
        passed = [category(row, identifier)]
        while (passed[-1],) in c.tables["product_categories"]:
            above = c.reference("product_categories", c.tables["product_categories"][passed[-1],]["parent_category_id"])
            if above in passed:
                return passed[0]
            if (above,) not in c.tables["product_categories"]:
                break
            passed.append(above)
        return passed[-1]

    return _names(
        c,
        "products",
        "product_id",
        "product_name",
        product_code=lambda row, _: None if row is None else row["product_code"],
        category_id=category,
        category_name=lambda row, i: _name(c, "product_categories", "category_name", category(row, i)),
        top_category_id=group,
        top_category_name=lambda row, i: _name(c, "product_categories", "category_name", group(row, i)),
    )


# --- the funnel by source ---------------------------------------------------------------------------------------------


def new_customer_sources(c: Company) -> pd.DataFrame:
    """fct_new_customer_sources: one row per customer and source."""
    rows = []
    for customer in c.tables["customers"].values():
        life = c.lives[customer["customer_id"]]
        of_customer = members(c, "sources", customer["source_ids"])
        for source, share in zip(of_customer, equal_parts(ONE, len(of_customer), MILLIONTH), strict=True):
            rows.append(
                {
                    "customer_id": customer["customer_id"],
                    "source_id": source,
                    "employee_id": oracle.value_at_the_end(
                        life.owners, customer["created_at"] + timedelta(microseconds=1)
                    ),
                    "created_date": customer["created_at"].date(),
                    "month_date": month_of(customer["created_at"].date()),
                    "is_deleted": customer["is_deleted"],
                    "source_count": len(of_customer),
                    "new_customers": 1,
                    "new_customers_split": share,
                }
            )
    return pd.DataFrame(rows, dtype=object)


def order_sources(c: Company) -> pd.DataFrame:
    """fct_order_sources: one row per counted order and source of its customer."""
    money = oracle.order_money(c)
    rows = []
    for order in filter(oracle.order_counts, c.rows("orders")):
        sign = -1 if order["order_type"] == "return" else 1
        sales, revenue = (sign * amount for amount in money[order["order_id"]])
        customer_id = c.reference("customers", order["customer_id"])
        customer = c.tables["customers"].get((customer_id,))
        of_order = [customer_id] if customer is None else members(c, "sources", customer["source_ids"])
        n = len(of_order)
        shares = zip(
            of_order, equal_parts(ONE, n, MILLIONTH), equal_parts(sales, n), equal_parts(revenue, n), strict=True
        )
        for source, share, sales_part, revenue_part in shares:
            rows.append(
                {
                    "order_id": order["order_id"],
                    "source_id": source,
                    "customer_id": customer_id,
                    "executor_id": c.reference("employees", order["executor_id"]),
                    "order_date": order["order_date"],
                    "month_date": month_of(order["order_date"]),
                    "source_count": n,
                    "orders": 1 if sign > 0 else 0,
                    "orders_split": share if sign > 0 else Decimal(0),
                    "sales_amount": sales,
                    "sales_split_amount": sales_part,
                    "revenue_amount": revenue,
                    "revenue_split_amount": revenue_part,
                }
            )
    return pd.DataFrame(rows, dtype=object)


CUSTOMER_MEASURES = ("new_customers", "new_customers_split")
ORDER_MEASURES = (
    "orders",
    "orders_split",
    "sales_amount",
    "sales_split_amount",
    "revenue_amount",
    "revenue_split_amount",
)


def funnel_by_source(c: Company) -> pd.DataFrame:
    """fct_funnel_by_source: one row per month, employee and source with a measure that is not zero."""
    cells: Cells = defaultdict(_zeros)
    for row in new_customer_sources(c).to_dict("records"):
        _add(cells[row["month_date"], row["employee_id"], row["source_id"]], row, CUSTOMER_MEASURES)
    for row in order_sources(c).to_dict("records"):
        _add(cells[row["month_date"], row["executor_id"], row["source_id"]], row, ORDER_MEASURES)
    with_something = {key: measures for key, measures in cells.items() if any(measures.values())}
    return _table(with_something, ["month_date", "employee_id", "source_id"], [*CUSTOMER_MEASURES, *ORDER_MEASURES])


def _zeros() -> Measures:
    return defaultdict(lambda: Decimal(0))


def _add(cell: Measures, row: Mapping[Any, Any], names: Iterable[str]) -> None:
    for name in names:
        cell[name] += row[name]


def _table(cells: Mapping[tuple[Any, ...], Measures], keys: list[str], names: list[str]) -> pd.DataFrame:
    rows = [
        {**dict(zip(keys, key, strict=True)), **{name: measures[name] for name in names}}
        for key, measures in cells.items()
    ]
    return pd.DataFrame(rows, columns=[*keys, *names], dtype=object)


# --- customers as they are now ----------------------------------------------------------------------------------------


def live_customers(c: Company) -> list[dict[Any, Any]]:
    """The rows of the cohort mart, by the oracle, of customers not deleted."""
    return [row for row in oracle.cohort(c).to_dict("records") if not row["is_deleted"]]


def _customer_members(c: Company, entity: str, one: str) -> pd.DataFrame:
    rows = []
    for live in live_customers(c):
        customer = c.tables["customers"][(live["customer_id"],)]
        of_customer = members(c, entity, customer[f"{one}_ids"])
        n = len(of_customer)
        revenue = live["revenue_amount"]
        shares = zip(of_customer, equal_parts(ONE, n, MILLIONTH), equal_parts(revenue, n), strict=True)
        for member, share, revenue_part in shares:
            rows.append(
                {
                    "customer_id": live["customer_id"],
                    f"{one}_id": member,
                    "manager_id": live["manager_id"],
                    f"{one}_count": n,
                    "customers": 1,
                    "customers_split": share,
                    "revenue_amount": revenue,
                    "revenue_split_amount": revenue_part,
                }
            )
    return pd.DataFrame(rows, dtype=object)


def customer_sources(c: Company) -> pd.DataFrame:
    """fct_customer_sources: one row per live customer and source."""
    return _customer_members(c, "sources", "source")


def customer_industries(c: Company) -> pd.DataFrame:
    """fct_customer_industries: one row per live customer and industry."""
    return _customer_members(c, "industries", "industry")


def customer_persons(c: Company) -> pd.DataFrame:
    """fct_customer_persons: live customers and their live contacts, each with an age of its own."""
    contacts: dict[str, list[Row]] = defaultdict(list)
    for contact in c.rows("contacts"):
        contacts[contact["customer_id"]].append(contact)
    rows = []
    for live in live_customers(c):
        customer = c.tables["customers"][(live["customer_id"],)]
        persons: list[tuple[str | None, date | None]] = [(None, customer["birthday"])]
        persons += [
            (contact["contact_id"], contact["birthday"])
            for contact in sorted(contacts[live["customer_id"]], key=lambda contact: str(contact["contact_id"]))
        ]
        n = len(persons)
        revenue = live["revenue_amount"]
        shares = zip(persons, equal_parts(ONE, n, MILLIONTH), equal_parts(revenue, n), strict=True)
        for (contact_id, birthday), share, revenue_part in shares:
            age = _age(birthday, c.as_of)
            rows.append(
                {
                    "person_key": f"customer:{live['customer_id']}" if contact_id is None else f"contact:{contact_id}",
                    "customer_id": live["customer_id"],
                    "contact_id": contact_id,
                    "manager_id": live["manager_id"],
                    "person_type": "customer" if contact_id is None else "contact",
                    "age_years": age,
                    "age_band": oracle.age_band(age),
                    "person_count": n,
                    "persons": 1,
                    "customers_split": share,
                    "revenue_amount": revenue,
                    "revenue_split_amount": revenue_part,
                }
            )
    return pd.DataFrame(rows, dtype=object)


def _age(birthday: date | None, on: date) -> int | None:
    """Birthdays lived through since the one at birth; born on 29 February, a year is full on 1 March."""
    if birthday is None or birthday > on:
        return None
    years = on.year - birthday.year
    return years if (on.month, on.day) >= (birthday.month, birthday.day) else years - 1


SINGLE_VALUED = {
    "relationship": "relationship_id",
    "province": "province_id",
    "gender": "gender",
    "age_band": "age_band",
    "care_recency": "care_recency_bucket",
}
STRUCTURE_MEASURES = ["customers", "customers_split", "persons", "revenue_amount", "revenue_split_amount"]


def customer_structure(c: Company) -> pd.DataFrame:
    """kpi_customer_structure: one row per manager, dimension and member."""
    cells: Cells = defaultdict(_zeros)
    for live in live_customers(c):
        whole = dict.fromkeys(("customers", "customers_split", "persons"), 1)
        money = dict.fromkeys(("revenue_amount", "revenue_split_amount"), live["revenue_amount"])
        for dimension, column in SINGLE_VALUED.items():
            _add(cells[live["manager_id"], dimension, live[column]], {**whole, **money}, STRUCTURE_MEASURES)
    for dimension, table in {"source": customer_sources(c), "industry": customer_industries(c)}.items():
        for row in table.to_dict("records"):
            cell = cells[row["manager_id"], dimension, row[f"{dimension}_id"]]
            _add(cell, {**row, "persons": 1}, STRUCTURE_MEASURES)
    seen = set()
    for row in customer_persons(c).to_dict("records"):
        cell = cells[row["manager_id"], "contact_age_band", row["age_band"]]
        _add(cell, row, ("persons", "customers_split", "revenue_split_amount"))
        if (row["customer_id"], row["age_band"]) not in seen:
            seen.add((row["customer_id"], row["age_band"]))
            _add(cell, {**row, "customers": 1}, ("customers", "revenue_amount"))
    return _table(cells, ["manager_id", "dimension", "member_id"], STRUCTURE_MEASURES)


def province_top(c: Company) -> pd.DataFrame:
    """kpi_province_top: a manager's first five provinces, the others, and customers without one."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for live in live_customers(c):
        counts[live["manager_id"]][live["province_id"]] += 1
    rows = []
    for manager, of_manager in counts.items():
        rows += [{"manager_id": manager, **row} for row in _top(c, of_manager)]
    return pd.DataFrame(rows, dtype=object)


def _top(c: Company, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    names = {identifier: _name(c, "provinces", "province_name", identifier) for identifier in counts}
    real = [identifier for identifier in counts if (identifier,) in c.tables["provinces"]]
    real.sort(key=lambda identifier: (-counts[identifier], names[identifier], identifier))

    def row(order: int, kind: str, identifier: str | None, name: str, provinces: int, customers: int) -> dict[str, Any]:
        return {
            "sort_order": order,
            "row_type": kind,
            "province_id": identifier,
            "province_name": name,
            "provinces": provinces,
            "customers": customers,
        }

    for rank, identifier in enumerate(real[:PROVINCES_SHOWN], start=1):
        yield row(rank, "province", identifier, names[identifier], 1, counts[identifier])
    rest = real[PROVINCES_SHOWN:]
    if rest:
        yield row(6, "other", None, "(other)", len(rest), sum(counts[identifier] for identifier in rest))
    for order, placeholder in ((7, NONE), (8, UNKNOWN)):
        if placeholder in counts and placeholder not in real:
            yield row(order, placeholder, placeholder, names[placeholder], 0, counts[placeholder])


# --- products and interactions ----------------------------------------------------------------------------------------


def product_sales(c: Company) -> pd.DataFrame:
    """fct_product_sales: counted orders' lines by month, executor and product."""
    lines: dict[str, list[Row]] = defaultdict(list)
    for line in c.rows("order_lines"):
        lines[line["order_id"]].append(line)
    cells: Cells = defaultdict(_zeros)
    for order in filter(oracle.order_counts, c.rows("orders")):
        sign = -1 if order["order_type"] == "return" else 1
        where = (month_of(order["order_date"]), c.reference("employees", order["executor_id"]))
        touched = set()
        for product, quantity, sales, revenue in order_products(c, order, lines[order["order_id"]]):
            touched.add(product)
            cells[(*where, product)]["gross_sold_quantity" if sign > 0 else "returned_quantity"] += quantity
            amounts = {"sold_quantity": sign * quantity, "sales_amount": sign * sales, "revenue_amount": sign * revenue}
            _add(cells[(*where, product)], amounts, amounts)
        for product in touched:
            cells[(*where, product)]["orders" if sign > 0 else "returns"] += 1
    names = ["orders", "returns", "gross_sold_quantity", "returned_quantity"]
    names += ["sold_quantity", "sales_amount", "revenue_amount"]
    return _table(cells, ["month_date", "executor_id", "product_id"], names)


def order_products(c: Company, order: Row, lines: list[Row]) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """(product, quantity, doanh số, doanh thu) of each line; the order's discount and VAT are shared by net value."""
    lines = sorted(lines, key=lambda line: str(line["order_line_id"]))
    if not lines:
        if order["discount_amount"] or order["vat_amount"]:
            yield NONE, Decimal(0), ZERO, order["vat_amount"] - order["discount_amount"]
        return
    sales = [(line["quantity"] * line["unit_price"]).quantize(CENT, ROUND_HALF_UP) for line in lines]
    worth = [max(amount - line["discount_amount"], ZERO) for amount, line in zip(sales, lines, strict=True)]
    weights = worth if any(worth) else [ONE] * len(lines)
    discounts, vats = parts(order["discount_amount"], weights), parts(order["vat_amount"], weights)
    for line, amount, discount, vat in zip(lines, sales, discounts, vats, strict=True):
        revenue = amount - line["discount_amount"] - discount + line["vat_amount"] + vat
        yield c.reference("products", line["product_id"]), line["quantity"], amount, revenue


def interactions_by_type(c: Company) -> pd.DataFrame:
    """kpi_interactions_by_type: what was logged, what counts, and with how many customers."""
    cells: Cells = defaultdict(_zeros)
    customers: dict[tuple[Any, ...], set[str]] = defaultdict(set)

    def log(on: date, employee: str | None, kind: str, customer_id: str, counts: bool) -> None:
        key = (month_of(on), c.reference("employees", employee), kind)
        cells[key]["interactions_logged"] += 1
        cells[key]["interactions"] += int(counts)
        if counts:
            customers[key].add(customer_id)

    for row in c.rows("interactions"):
        customer_id = c.reference("customers", row["customer_id"])
        log(row["occurred_at"].date(), row["employee_id"], row["type"], customer_id, oracle.interaction_counts(row))
    for task in c.rows("tasks"):
        for customer_id in oracle.task_customers(c, task):
            log(task["created_at"].date(), task["assignee_id"], "task", customer_id, task["status"] != "cancelled")
    for key, cell in cells.items():
        cell["interacted_customers"] = len(customers[key])
    names = ["interactions", "interactions_logged", "interacted_customers"]
    return _table(cells, ["month_date", "employee_id", "interaction_type"], names)


MARTS: dict[str, tuple[tuple[str, ...], Callable[[Company], pd.DataFrame]]] = {
    "dim_industries": (("industry_id",), lambda c: _names(c, "industries", "industry_id", "industry_name")),
    "dim_products": (("product_id",), products),
    "dim_projects": (("project_id",), lambda c: _names(c, "projects", "project_id", "project_name")),
    "dim_provinces": (("province_id",), lambda c: _names(c, "provinces", "province_id", "province_name")),
    "dim_relationships": (("relationship_id",), relationships),
    "dim_sources": (("source_id",), sources),
    "dim_task_types": (("task_type_id",), lambda c: _names(c, "task_types", "task_type_id", "task_type_name")),
    "fct_customer_industries": (("customer_id", "industry_id"), customer_industries),
    "fct_customer_persons": (("person_key",), customer_persons),
    "fct_customer_sources": (("customer_id", "source_id"), customer_sources),
    "fct_funnel_by_source": (("month_date", "employee_id", "source_id"), funnel_by_source),
    "fct_new_customer_sources": (("customer_id", "source_id"), new_customer_sources),
    "fct_order_sources": (("order_id", "source_id"), order_sources),
    "fct_product_sales": (("month_date", "executor_id", "product_id"), product_sales),
    "kpi_customer_structure": (("manager_id", "dimension", "member_id"), customer_structure),
    "kpi_interactions_by_type": (("month_date", "employee_id", "interaction_type"), interactions_by_type),
    "kpi_province_top": (("manager_id", "sort_order"), province_top),
}
