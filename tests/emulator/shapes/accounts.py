"""Customers: accounts with their contacts, deleted ones, and orders per status of one.

Belongs here: the account group. Not here: comments, and catalogues (their own modules).
What the contract does not hold is the emulator's own: account types, websites, descriptions and custom fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.emulator.company import Company, latest
from tests.emulator.oddities import Oddities
from tests.emulator.shapes import catalogues, sales
from tests.emulator.shapes.codes import spelled
from tests.emulator.values import (
    NO_DATE,
    Fields,
    Id,
    Ids,
    Row,
    labelled,
    many,
    moment,
    number,
    one,
    unix,
)

_GENDERS: Mapping[str | None, tuple[int, str]] = {"male": (1, "Nam"), "female": (2, "Nữ"), None: (0, "")}


@dataclass(frozen=True)
class _Parts:
    """What belongs to one customer."""

    contacts: list[Row]
    comments: list[Row]
    orders: list[Row]


def accounts(company: Company, oddities: Oddities) -> list[Row]:
    """Every customer that is not deleted."""
    orders: dict[int, list[Row]] = {}
    for order in sales.orders(company, oddities):
        orders.setdefault(order["account_id"], []).append(order)
    contacts, comments = company.grouped("contacts", "customer_id"), company.grouped("interactions", "customer_id")
    return [
        _account(
            company,
            oddities,
            row,
            _Parts(
                contacts.get(row["customer_id"], []),
                [each for each in comments.get(row["customer_id"], []) if each["type"] == "comment"],
                orders.get(number(row["customer_id"]), []),
            ),
        )
        for row in company.standing("customers")
    ]


def deleted(company: Company, oddities: Oddities) -> list[Row]:
    """Customers that are deleted but kept. One that vanished altogether is in no list."""
    return [
        {
            "account_id": one(row["customer_id"]),
            "account_code": spelled(row["customer_code"], oddities),
            "_last_sync": unix(row["deleted_at"]),
        }
        for row in company.all("customers")
        if row["deleted_at"] is not None
    ]


def order_counts(company: Company, oddities: Oddities, account_id: int) -> Row:
    """How many orders of one customer wait, are approved (or further), and are cancelled."""
    counted = Counter(order["status"] for order in sales.orders(company, oddities) if order["account_id"] == account_id)
    pending, cancelled = counted[sales.PENDING], counted[sales.CANCELLED]
    return {
        "total_orders_pending": pending,
        "total_orders_approved": counted.total() - pending - cancelled,
        "total_orders_canceled": cancelled,
    }


def phone(row: Row, oddities: Oddities, contacts: list[Row]) -> tuple[str | None, str]:
    """The number on the account, and the one on its first contact."""
    number_on_account: str | None = row["phone"]
    if number_on_account is None or not oddities.messy_phones:
        return number_on_account, ""
    match number(row["customer_id"]) % 3:
        case 0:
            return "84" + number_on_account.removeprefix("0"), ""
        case 1:
            return number_on_account.removeprefix("0"), ""
        case _ if contacts:
            return "", number_on_account
        case _:
            return number_on_account, ""


def _account(company: Company, oddities: Oddities, row: Row, parts: _Parts) -> Row:
    key = number(row["customer_id"])
    name = row["customer_name"]
    manager = company.by_id("employees").get(row["manager_id"] or "", {})
    types = catalogues.types_of(key)
    sources, industries = many(row["source_ids"]), many(row["industry_ids"])
    source_names = [company.name("sources", each, "source_name") for each in row["source_ids"] or ()]
    industry_names = [company.name("industries", each, "industry_name") for each in row["industry_ids"] or ()]
    gender, gender_label = _GENDERS[row["gender"]]
    relation = company.name("relationships", row["relationship_id"], "relationship_name")
    province = company.name("provinces", row["province_id"], "province_name")
    office_phone, home_phone = phone(row, oddities, parts.contacts)
    # Orders are counted as revenue from their approval on.
    counted = [order for order in parts.orders if order["status"] not in (sales.PENDING, sales.CANCELLED)]
    updated_at = (
        latest(company, row, "customer_id", "contacts", "interactions")
        if oddities.children_move_parents
        else row["updated_at"]
    )
    raw, shown = _custom_fields(key)
    return {
        "id": Id(key),
        "account_code": spelled(row["customer_code"], oddities),
        "account_name": name,
        "description": f"<p>Hồ sơ của <b>{name}</b> &amp; đối tác</p>",
        "billing_address_street": f"Số {key} đường Láng" if province else None,
        "email": row["email"],
        "website": None,
        "logo": "",
        "sic_code": "",
        "phone_office": office_phone,
        "birthday": row["birthday"] or NO_DATE,
        "created_at": moment(row["created_at"]),
        "updated_at": moment(updated_at),
        "account_type": types,
        "account_type_details": [labelled(each, catalogues.TYPES[each]) for each in types],
        "account_source": sources,
        "account_source_details": [labelled(each, label) for each, label in zip(sources, source_names, strict=True)],
        "relation_id": one(row["relationship_id"]),
        "relation_name": relation,
        "account_relation_detail": labelled(number(row["relationship_id"]), relation),
        "industry": industries,
        "industry_details": [labelled(each, label) for each, label in zip(industries, industry_names, strict=True)],
        "industry_names": ", ".join(each for each in industry_names if each),
        "gender": gender,
        "gender_detail": labelled(gender, gender_label),
        "country_id": Id(0),
        "country_detail": None,
        "province_id": one(row["province_id"]),
        "province_detail": labelled(number(row["province_id"]), province),
        "district_id": Id(0),
        "district_detail": None,
        "ward_id": Id(0),
        "ward_detail": None,
        "account_manager": one(row["manager_id"]),
        "mgr_display_name": manager.get("full_name"),
        "mgr_email": manager.get("email"),
        "accessible_user_ids": many([row["manager_id"]] if row["manager_id"] else []),
        "total_revenue": sum((order["real_amount"] for order in counted), start=sales.NOTHING),
        "contacts": [
            _contact(contact, oddities, home_phone if place == 0 else "")
            for place, contact in enumerate(parts.contacts)
        ],
        "detail_custom_fields": raw,
        "custom_fields": raw,
        "detail_custom_fields_display_value": shown,
        "creator_id": one(row["creator_id"]),
        "last_active": moment(_last_active(row, parts, oddities)),
        "total_activity": len(parts.comments),
        "count_order": len(counted),
        "_sale_order_status": Ids(sorted({order["status"] for order in parts.orders})),
    }


def _last_active(row: Row, parts: _Parts, oddities: Oddities) -> datetime | None:
    moments = [row["last_contact_at"]]
    moments += [comment["occurred_at"] for comment in parts.comments] if oddities.comments_activate else []
    return max((one for one in moments if one is not None), default=None)


def _contact(row: Row, oddities: Oddities, home_phone: str) -> Row:
    """In Vietnamese the last word is the first name."""
    family, _, given = str(row["full_name"] or "").rpartition(" ")
    gender, _ = _GENDERS[row["gender"]]
    key = {oddities.contact_key: one(row["contact_id"])} if oddities.contact_key else {}
    return {
        **key,
        "first_name": given,
        "last_name": family,
        "phone_mobile": "",
        "phone_home": home_phone,
        "email": "",
        "description": "",
        "title": "",
        "is_primary": int(row["is_primary"]),
        "birthdate": row["birthday"] or NO_DATE,
        "gender_id": gender,
        "honorifics": {1: "Anh", 2: "Chị"}.get(gender, ""),
    }


def _custom_fields(key: int) -> tuple[Fields, Fields]:
    """Raw values and labels of one customer's custom fields; every third customer has none."""
    if key % 3 == 0:
        return Fields(), Fields()
    chosen, wants = 1 + key % 3, Ids(sorted({4 + key % 2, 6}))
    raw = Fields(ma_hv=f"HV{key}", nhom_khach=Id(chosen), quan_tam=wants, dot_hoc_thu=catalogues.FOUNDED_UNIX + key)
    labels = catalogues.OPTION_LABELS
    shown = Fields(ma_hv=f"HV{key}", nhom_khach=labels[chosen], quan_tam=", ".join(labels[each] for each in wants))
    return raw, shown
