"""Tasks and, through them, projects. Task types, completion times and ratings are not in the API.

Belongs here: the task group. The status codes are the emulator's own: the API documents none. As in the API's samples
the title of a task in progress changes from day to day, so a title is no label.
"""

from __future__ import annotations

from tests.emulator.company import Company
from tests.emulator.oddities import Oddities
from tests.emulator.shapes.codes import spelled
from tests.emulator.values import Fields, Id, Row, days_between, moment, number, one

STATUS_CODES = {"new": 1, "in_progress": 11, "awaiting_confirmation": 12, "completed": 2, "cancelled": 3}
_TITLES = {1: "Mới giao", 12: "Chờ xác nhận", 2: "Hoàn thành", 3: "Đã hủy"}
_PROGRESS = {1: 0, 11: 50, 12: 90, 2: 100, 3: 0}


def tasks(company: Company, oddities: Oddities) -> list[Row]:
    """Every task that is not deleted."""
    return [_task(company, oddities, row) for row in company.standing("tasks")]


def _task(company: Company, oddities: Oddities, row: Row) -> Row:
    key = number(row["task_id"])
    status = STATUS_CODES[row["status"]]
    receiver = company.by_id("employees").get(row["assignee_id"] or "", {})
    remaining = None if row["due_at"] is None else days_between(row["due_at"], company.end)
    project = company.name("projects", row["project_id"], "project_name")
    accounts = [(customer, company.by_id("customers").get(customer, {})) for customer in row["customer_ids"] or ()]
    return {
        "id": Id(key),
        "task_code": spelled(f"CV-{key:06}", oddities),
        "task_name": row["task_name"],
        "task_start_date": moment(row["planned_start_at"]),
        "task_end_date": moment(row["due_at"]),
        "notifications_count": 0,
        "task_status": status,
        "task_status_title": _title(status, remaining),
        "task_progress": _PROGRESS[status],
        "user_important": 0,
        "task_receiver": one(row["assignee_id"]),
        "task_receiver_display_name": receiver.get("full_name"),
        "task_receiver_email": receiver.get("email"),
        "task_receiver_phone": None,
        "task_receiver_avatar": "",
        "task_color": "",
        "project_id": one(row["project_id"]),
        "project_name": project,
        "task_accounts": [
            {
                "account_id": one(customer),
                "account_code": spelled(found.get("customer_code"), oddities),
                "account_name": found.get("customer_name"),
            }
            for customer, found in accounts
        ],
        "task_description": f"<p>{row['task_name']} &ndash; theo kế hoạch</p>",
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "_detail": {
            "task_remain_day": remaining,
            "task_emoji": None,
            "task_creator": one(row["creator_id"]),
            "left": 2 * key - 1,
            "right": 2 * key,
            "task_object": None,
            "valid": 1,
            "project_status": 1 if project else None,
            "project_valid": 1 if project else None,
            "my_level": 0,
            "custom_fields": Fields(),
        },
    }


def _title(status: int, remaining: int | None) -> str:
    if status != STATUS_CODES["in_progress"]:
        return _TITLES[status]
    if remaining is None:
        return "Đang thực hiện"
    return f"Còn {remaining} ngày" if remaining >= 0 else f"Quá hạn {-remaining} ngày"
