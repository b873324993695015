"""Employees as users. Ranks, titles, further departments and permissions are not in the API.

Belongs here: the user group. PBX extensions, mobile numbers and contact ids are the emulator's own.
"""

from __future__ import annotations

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.values import Fields, Id, Row, number, one

_CONTACTS_FROM = 5000


def users(company: Company, oddities: Oddities) -> list[Row]:
    """Every employee; `_valid` is 0 for one who left. A deleted one is gone."""
    return [_user(company, row) for row in company.standing("employees")]


def _user(company: Company, row: Row) -> Row:
    key = number(row["employee_id"])
    has_extension = key % 4 != 0
    return {
        "user_id": Id(key),
        "contact_id": Id(_CONTACTS_FROM + key),
        "contact_name": row["full_name"],
        "user_name": (row["email"] or f"nv{key}").partition("@")[0],
        "dept_id": one(row["department_id"]),
        "dept_name": company.name("departments", row["department_id"], "department_name"),
        "email": row["email"],
        "contact_mobile": f"09{key:08}",
        "extensions": Fields(VFONE=str(200 + key)) if has_extension else Fields(),
        "_id": key,
        "_user_username": (row["email"] or f"nv{key}").partition("@")[0],
        "_valid": 1 if row["is_active"] else 0,
    }
