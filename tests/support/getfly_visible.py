"""The part of the demo company that Getfly's API can tell, in the contract's form: what the connector has to arrive at.

Belongs here: a second reading of the same rules, from the demo's own tables and without the API. Not here: the API.
What the API does not have (ranks, permissions, returns, calls, completion times) is missing here as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from orchestration.sources.base import BatchKind, RawTable, Source

Row = dict[str, Any]


def number(demo_id: str | None) -> str | None:
    """The API's number of an id of the demo: `KH000123` is 123."""
    return str(int(demo_id.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))) if demo_id else None


def numbers(demo_ids: Iterable[str] | None) -> list[str]:
    return [str(number(one)) for one in demo_ids or ()]


def second(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)


SUNDAY = 7


class VisibleDemo:
    """A source that gives everything complete, every night; nights are read in their order.

    What the API announces nowhere shows as late here as there: a customer who vanished without being deleted is known
    to be gone on the next Sunday, when everything is read, or the same night where `reads_whole`. Comments of customers
    who are gone stay as they were.
    """

    name = "getfly"

    def __init__(self, source: Source, *, reads_whole: bool) -> None:
        self._source, self._reads_whole = source, reads_whole
        self._comments: dict[str, Row] = {}
        self._customers: dict[date, dict[str, Row]] = {}

    def read(self, entity: str, night: date, complete: bool = False) -> RawTable | None:
        if entity not in SHAPES:
            return None
        rows = SHAPES[entity](self, night)
        names = sorted({name for row in rows for name in row})
        table = pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
        return RawTable(entity, BatchKind.COMPLETE, table, pa.array(range(2, len(rows) + 2)), f"visible {entity}")

    def all(self, entity: str, night: date) -> list[Row]:
        raw = self._source.read(entity, night, complete=True)
        assert raw is not None
        rows: list[Row] = raw.table.to_pylist()
        return rows

    def standing(self, entity: str, night: date) -> list[Row]:
        return [row for row in self.all(entity, night) if row.get("deleted_at") is None]

    def customers_shown(self, night: date) -> list[Row]:
        """The demo's own rows of the customers who are not known to be gone."""
        if night not in self._customers:
            shown = {row["customer_id"]: row for row in self.standing("customers", night)}
            if not self._reads_whole and night.isoweekday() != SUNDAY and self._customers:
                known = {row["customer_id"] for row in self.all("customers", night)}
                before = self._customers[max(self._customers)]
                shown |= {key: row for key, row in before.items() if key not in known}
            self._customers[night] = shown
        return list(self._customers[night].values())

    def named(self, entity: str, key: str, name: str, used: Iterable[str | None], night: date) -> list[Row]:
        """Rows of a list that the API shows only where something points at them."""
        wanted = {one for one in used if one}
        return [{key: number(row[key]), name: row[name]} for row in self.all(entity, night) if row[key] in wanted]

    def departments(self, night: date) -> list[Row]:
        used = [row["department_id"] for row in self.standing("employees", night)]
        return self.named("departments", "department_id", "department_name", used, night)

    def employees(self, night: date) -> list[Row]:
        return [
            {
                "employee_id": number(row["employee_id"]),
                "full_name": row["full_name"],
                "email": row["email"],
                "department_id": number(row["department_id"]),
                "is_active": row["is_active"],
            }
            for row in self.standing("employees", night)
        ]

    def relationships(self, night: date) -> list[Row]:
        return [
            {**row, "relationship_id": number(row["relationship_id"]), "deleted_at": second(row["deleted_at"])}
            for row in self.all("relationships", night)
        ]

    def sources(self, night: date) -> list[Row]:
        return [
            {
                "source_id": number(row["source_id"]),
                "source_name": row["source_name"],
                "parent_source_id": number(row["parent_source_id"]),
            }
            for row in self.standing("sources", night)
        ]

    def industries(self, night: date) -> list[Row]:
        used = [one for row in self.customers_shown(night) for one in row["industry_ids"] or ()]
        return self.named("industries", "industry_id", "industry_name", used, night)

    def provinces(self, night: date) -> list[Row]:
        used = [row["province_id"] for row in self.customers_shown(night)]
        return self.named("provinces", "province_id", "province_name", used, night)

    def customers(self, night: date) -> list[Row]:
        return [
            {
                "customer_id": number(row["customer_id"]),
                "customer_code": row["customer_code"],
                "customer_name": row["customer_name"],
                "manager_id": number(row["manager_id"]),
                "creator_id": number(row["creator_id"]),
                "relationship_id": number(row["relationship_id"]),
                "source_ids": numbers(row["source_ids"]),
                "industry_ids": numbers(row["industry_ids"]),
                "province_id": number(row["province_id"]),
                "gender": row["gender"],
                "birthday": row["birthday"],
                "phone": row["phone"],
                "email": row["email"],
                "created_at": second(row["created_at"]),
                "updated_at": second(row["updated_at"]),
                "last_contact_at": second(row["last_contact_at"]),
            }
            for row in self.customers_shown(night)
        ]

    def contacts(self, night: date) -> list[Row]:
        customers = {row["customer_id"]: row for row in self.customers_shown(night)}
        return [
            {
                "contact_id": number(row["contact_id"]),
                "customer_id": number(row["customer_id"]),
                "full_name": row["full_name"],
                "gender": row["gender"],
                "birthday": row["birthday"],
                "is_primary": row["is_primary"],
                # A contact has no time of its own: it changes with its account.
                "updated_at": second(customers[row["customer_id"]]["updated_at"]),
            }
            for row in self.standing("contacts", night)
            if row["customer_id"] in customers
        ]

    def projects(self, night: date) -> list[Row]:
        used = [row["project_id"] for row in self.standing("tasks", night)]
        return self.named("projects", "project_id", "project_name", used, night)

    def tasks(self, night: date) -> list[Row]:
        return [
            {
                "task_id": number(row["task_id"]),
                "task_name": row["task_name"],
                "assignee_id": number(row["assignee_id"]),
                "project_id": number(row["project_id"]),
                "customer_ids": numbers(row["customer_ids"]),
                "status": row["status"],
                "created_at": second(row["created_at"]),
                "due_at": second(row["due_at"]),
                "updated_at": second(row["updated_at"]),
            }
            for row in self.standing("tasks", night)
        ]

    def interactions(self, night: date) -> list[Row]:
        customers = {row["customer_id"] for row in self.standing("customers", night)}
        seen = {
            str(number(row["interaction_id"])): {
                "interaction_id": number(row["interaction_id"]),
                "customer_id": number(row["customer_id"]),
                "employee_id": number(row["employee_id"]),
                "type": "comment",
                "direction": "inbound" if row["direction"] == "inbound" else "outbound",
                "occurred_at": second(row["occurred_at"]),
                "updated_at": second(row["occurred_at"]),
            }
            for row in self.standing("interactions", night)
            if row["type"] == "comment" and row["customer_id"] in customers
        }
        shown = {number(one) for one in customers}
        kept = {key: row for key, row in self._comments.items() if row["customer_id"] not in shown}
        self._comments = {**kept, **seen}
        return list(self._comments.values())

    def product_categories(self, night: date) -> list[Row]:
        return [
            {
                "category_id": number(row["category_id"]),
                "category_name": row["category_name"],
                "parent_category_id": number(row["parent_category_id"]),
            }
            for row in self.standing("product_categories", night)
        ]

    def products(self, night: date) -> list[Row]:
        return [
            {
                "product_id": number(row["product_id"]),
                "product_code": row["product_code"],
                "product_name": row["product_name"],
                "category_id": number(row["category_id"]),
                "updated_at": second(row["updated_at"]),
            }
            for row in self.standing("products", night)
        ]

    def _sales(self, night: date) -> list[Row]:
        return [row for row in self.standing("orders", night) if row["order_type"] == "sale"]

    def orders(self, night: date) -> list[Row]:
        return [
            {
                "order_id": number(row["order_id"]),
                "order_code": row["order_code"],
                "customer_id": number(row["customer_id"]),
                "executor_id": number(row["executor_id"]),
                "order_type": "sale",
                "status": row["status"],
                "order_date": row["order_date"],
                "created_at": second(row["created_at"]),
                "discount_amount": row["discount_amount"],
                "vat_amount": row["vat_amount"],
                "updated_at": second(row["updated_at"]),
            }
            for row in self._sales(night)
        ]

    def order_lines(self, night: date) -> list[Row]:
        orders = {row["order_id"] for row in self._sales(night)}
        return [
            {
                "order_line_id": number(row["order_line_id"]),
                "order_id": number(row["order_id"]),
                "product_id": number(row["product_id"]),
                "quantity": row["quantity"],
                "unit_price": row["unit_price"],
                "discount_amount": row["discount_amount"],
                "vat_amount": row["vat_amount"],
            }
            for row in self.standing("order_lines", night)
            if row["order_id"] in orders
        ]

    def payments(self, night: date) -> list[Row]:
        orders = {row["order_id"] for row in self._sales(night)}
        return [
            {
                "payment_id": number(row["payment_id"]),
                "order_id": number(row["order_id"]),
                "amount": row["amount"],
                "paid_on": row["paid_on"],
            }
            for row in self.standing("payments", night)
            if row["order_id"] in orders
        ]

    def campaigns(self, night: date) -> list[Row]:
        return [
            {"campaign_id": number(row["campaign_id"]), "campaign_name": row["campaign_name"]}
            for row in self.standing("campaigns", night)
        ]

    def opportunities(self, night: date) -> list[Row]:
        return [
            {
                "opportunity_id": number(row["opportunity_id"]),
                "campaign_id": number(row["campaign_id"]),
                "customer_id": number(row["customer_id"]),
                "owner_id": number(row["owner_id"]),
                "stage_name": row["stage_name"],
                "stage_order": row["stage_order"],
                "status": row["status"],
                "created_at": second(row["created_at"]),
                "updated_at": second(row["updated_at"]),
            }
            for row in self.standing("opportunities", night)
        ]


SHAPES: dict[str, Callable[[VisibleDemo, date], list[Row]]] = {
    name: getattr(VisibleDemo, name)
    for name in (
        "departments", "employees", "relationships", "sources", "industries", "provinces", "customers", "contacts",
        "projects", "tasks", "interactions", "product_categories", "products", "orders", "order_lines", "payments",
        "campaigns", "opportunities",
    )
}  # fmt: skip
