"""Campaigns with their stages, and opportunities. Products, expected amounts and closing times are not in the API.

Belongs here: the campaign and opportunity groups. Stages are numbered per campaign, as in the API; the codes of an
opportunity's status, probabilities and who made a campaign are the emulator's own.
"""

from __future__ import annotations

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.shapes.codes import spelled
from tests.emulator.values import NO_MOMENT, Id, Row, moment, number, one

STATUSES = {"open": (1, "Đang xử lý"), "won": (2, "Thành công"), "lost": (3, "Thất bại")}
_STAGES_PER_CAMPAIGN = 100
_PERCENT_PER_STAGE = 20
_FOUNDER = 1


def stage_id(campaign: int, order: int) -> Id:
    """A stage's id: the same stage of another campaign has another."""
    return Id(campaign * _STAGES_PER_CAMPAIGN + order)


def campaigns(company: Company, oddities: Oddities) -> list[Row]:
    """Every campaign; its stages are those that any opportunity has met by then."""
    stages = sorted({(row["stage_order"], row["stage_name"]) for row in company.all("opportunities")})
    opportunities = company.grouped("opportunities", "campaign_id")
    rows = []
    for row in company.standing("campaigns"):
        key = number(row["campaign_id"])
        own = opportunities.get(row["campaign_id"], [])
        owners = sorted({number(each["owner_id"]) for each in own if each["owner_id"]})
        created = [each["created_at"] for each in own]
        rows.append(
            {
                "id": Id(key),
                "campaign_code": code(key, oddities),
                "campaign_name": row["campaign_name"],
                "create_user": Id(_FOUNDER),
                "responsible": Id(owners[0] if owners else _FOUNDER),
                "time_registed": moment(min(created)) if created else NO_MOMENT,
                "allow_duplicate_opp": 0,
                "is_lock": 0,
                "related_users": [
                    {"user_id": Id(owner), "accept_opp": 1, "divided_percent": None if place else 0}
                    for place, owner in enumerate(owners)
                ],
                "opportunity_status": [
                    {"status_id": stage_id(key, order), "name": name, "description": "", "order": order}
                    for order, name in stages
                ],
                "_updated_at": moment(max(created)) if created else NO_MOMENT,
            }
        )
    return rows


def code(campaign: int, oddities: Oddities) -> str | None:
    """A campaign's business code."""
    return spelled(f"CD-{campaign:03}", oddities)


def opportunities(company: Company, oddities: Oddities) -> list[Row]:
    """Every opportunity that is not deleted."""
    return [_opportunity(company, oddities, row) for row in company.standing("opportunities")]


def _opportunity(company: Company, oddities: Oddities, row: Row) -> Row:
    key, campaign = number(row["opportunity_id"]), number(row["campaign_id"])
    customer = company.by_id("customers").get(row["customer_id"] or "", {})
    owner = company.by_id("employees").get(row["owner_id"] or "", {})
    department = company.name("departments", owner.get("department_id"), "department_name")
    status, status_label = STATUSES[row["status"]]
    return {
        "id": Id(key),
        "opportunity_code": spelled(f"CH-{key:06}", oddities),
        "opportunity_name": f"Cơ hội {key}",
        "probability": row["stage_order"] * _PERCENT_PER_STAGE,
        "opportunity_status": stage_id(campaign, row["stage_order"]),
        "opportunity_status_name": row["stage_name"],
        "recipient": one(row["owner_id"]),
        "rcpt_display_name": owner.get("full_name"),
        "rcpt_role_name": owner.get("job_title"),
        "rcpt_department_name": department,
        "created_at": moment(row["created_at"]),
        "time_registed": moment(row["created_at"]),
        "responsible": one(row["owner_id"]),
        "c_display_name": owner.get("full_name"),
        "create_user": one(row["owner_id"]),
        "account_id": one(row["customer_id"]),
        "account_name": customer.get("customer_name"),
        "account_email": customer.get("email"),
        "phone_office": customer.get("phone"),
        "campaign_id": Id(campaign),
        "campaign_name": company.name("campaigns", row["campaign_id"], "campaign_name"),
        "status": status,
        "status_label": status_label,
        "updated_at": moment(row["updated_at"]),
        "_campaign_code": code(campaign, oddities),
    }
