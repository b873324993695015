"""Interactions of type comment. Calls, messages and mails are not in the API.

Belongs here: the comments of one account. Their text is the emulator's own; its HTML is as the API's.
"""

from __future__ import annotations

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.values import Row, moment, number, one

CUSTOMER_SAYS = "inbound"


def comments(company: Company, oddities: Oddities) -> list[Row]:
    """All comments on customers that are not deleted."""
    customers = {row["customer_id"]: row for row in company.standing("customers")}
    relations = company.by_id("relationships")
    rows = []
    for row in company.standing("interactions"):
        customer = customers.get(row["customer_id"])
        if row["type"] != "comment" or customer is None:
            continue
        relation = relations.get(customer["relationship_id"] or "", {})
        rows.append(
            {
                "id": one(row["interaction_id"]),
                "comment_title": "",
                "content": f"<p>Đã trao đổi v&agrave; ghi nhận: <b>{number(row['interaction_id'])}</b></p>",
                "creator": one(row["employee_id"]),
                "creator_display_name": company.name("employees", row["employee_id"], "full_name"),
                "account_id": one(row["customer_id"]),
                "account_name": customer["customer_name"],
                "account_avatar": "",
                "is_feedback": int(row["direction"] == CUSTOMER_SAYS),
                "created_at": moment(row["occurred_at"]),
                "account_relation_id": one(customer["relationship_id"]),
                "account_relation_name": relation.get("relationship_name"),
            }
        )
    return rows
