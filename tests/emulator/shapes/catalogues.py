"""Lists a company maintains: relations, account types, sources, custom field definitions, payment methods.

Belongs here: the catalogue endpoints. The contract has neither account types, custom fields nor payment methods: those
lists are the emulator's own, and so is every creation time. Colours of relations are left out: how their fields are
spelled is not known.
"""

from __future__ import annotations

from datetime import datetime

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.values import NO_MOMENT, Fields, Id, Ids, Row, moment, number, one, unix

FOUNDED = datetime(2024, 1, 2, 8, 0, 0)
FOUNDED_UNIX = unix(FOUNDED)
TYPES = {1: "Doanh nghiệp", 2: "Cá nhân", 3: "Đại lý"}
OPTION_LABELS = {1: "Mới", 2: "Cũ", 3: "VIP", 4: "Máy in", 5: "Phần mềm", 6: "Dịch vụ"}
# id, code, title, kind of input, options
_CUSTOM_FIELDS: tuple[tuple[int, str, str, str, tuple[int, ...]], ...] = (
    (1, "ma_hv", "Mã học viên", "textinput", ()),
    (2, "nhom_khach", "Nhóm khách", "select", (1, 2, 3)),
    (3, "quan_tam", "Quan tâm", "multiselect", (4, 5, 6)),
    (4, "dot_hoc_thu", "Đợt học thử", "date", ()),
)
_PAYMENT_METHODS = ((1, "Tiền mặt", 1), (2, "Chuyển khoản", 1), (3, "Thẻ", 0))


def types_of(account: int) -> Ids:
    """The types of one account."""
    return Ids(sorted({1 + account % 3, 1 + account % 2}))


def relations(company: Company, oddities: Oddities) -> list[Row]:
    """The stages of a customer; one that is deleted stays, with its deletion."""
    return [
        {
            "relation_id": one(row["relationship_id"]),
            "relation_name": row["relationship_name"],
            "relation_code": row["relationship_id"],
            "relation_order": row["relationship_order"],
            "is_default": int(row["is_default"] or False),
            "invalid": 0 if row["deleted_at"] is None else 1,
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "deleted_at": moment(row["deleted_at"]),
            "deleted_by": None,
            "_id": number(row["relationship_id"]),
            "_valid": 1 if row["deleted_at"] is None else 0,
        }
        for row in company.all("relationships")
    ]


def types(company: Company, oddities: Oddities) -> list[Row]:
    """Account types; their ids and flags are strings even without oddities."""
    return [
        {
            "account_type_id": str(key),
            "account_type_name": name,
            "account_type_code": f"LK{key:02}",
            "level": "0",
            "parent_id": "0",
            "invalid": "0",
            "created_at": FOUNDED,
            "updated_at": FOUNDED,
            "deleted_at": NO_MOMENT,
            "deleted_by": None,
            "_id": key,
        }
        for key, name in TYPES.items()
    ]


def types_61(company: Company, oddities: Oddities) -> list[Row]:
    """The same under their v6.1 path, with integer ids."""
    return [
        {
            "id": Id(row["_id"]),
            **{name: value for name, value in row.items() if name != "account_type_id"},
            "level": 0,
            "parent_id": Id(0),
            "invalid": 0,
        }
        for row in types(company, oddities)
    ]


def sources(company: Company, oddities: Oddities) -> list[Row]:
    """Sources as a nested set; their creation time is Unix seconds even without oddities."""
    rows = company.standing("sources")
    children: dict[str | None, list[Row]] = {}
    for row in rows:
        children.setdefault(row["parent_source_id"], []).append(row)
    places: dict[str, tuple[int, int, int]] = {}

    def number_below(parent: str | None, position: int, level: int) -> int:
        for row in children.get(parent, []):
            left = position
            position = number_below(row["source_id"], position + 1, level + 1)
            places[row["source_id"]] = (left, position, level)
            position += 1
        return position

    number_below(None, 1, 0)
    return [
        {
            "id": one(row["source_id"]),
            "source_name": row["source_name"],
            "source_code": row["source_id"],
            "valid": 1,
            "parent_id": one(row["parent_source_id"]),
            "lft": places[row["source_id"]][0],
            "rgt": places[row["source_id"]][1],
            "lvl": places[row["source_id"]][2],
            "created_at": FOUNDED_UNIX,
            "updated_at": None,
        }
        for row in rows
    ]


def custom_fields(company: Company, oddities: Oddities) -> list[Row]:
    """The definitions of custom fields, without their options."""
    return [
        {"id": Id(key), "field_name": code, "field_description": title, "field_htmltype": kind}
        for key, code, title, kind, _ in _CUSTOM_FIELDS
    ]


def custom_field(key: int) -> Row | None:
    """One definition with its options."""
    for found, code, title, kind, options in _CUSTOM_FIELDS:
        if found == key:
            return {
                "id": Id(key),
                "field_name": code,
                "field_description": title,
                "field_htmltype": kind,
                "field_label": title,
                "field_options": [{"id": Id(option), "label": OPTION_LABELS[option]} for option in options],
            }
    return None


def payment_methods(company: Company, oddities: Oddities) -> list[Row]:
    """Ways to pay; no payment says which was used."""
    return [{"id": Id(key), "method_name": name, "valid": valid} for key, name, valid in _PAYMENT_METHODS]


def order_custom_fields(key: int) -> Fields:
    """An order's custom fields; every fourth order has none."""
    return Fields() if key % 4 == 0 else Fields(so_ne="0", gui_tin=1 + key % 6)
