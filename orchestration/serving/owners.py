"""Which column of a mart names the employee whose row it is, and which reports open it.

Belongs here: the second, independent statement of who may see a mart's rows. An export is checked against it after the
access views filled it, so that a wrong filter in a view cannot pass unseen. Not here: the rights themselves
(`core_employee_scope`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

EVERY_REPORT: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnerRule:
    """`column` names the owner; `reports` are the reports whose scope opens the row (empty: any report).

    `column` None means that the rows belong to nobody and are open to every viewer. `by_department` means that
    `column` holds a department.
    """

    column: str | None
    reports: tuple[str, ...] = EVERY_REPORT
    by_department: bool = False


OWNERS: Mapping[str, OwnerRule] = {
    "dim_customer_cohort": OwnerRule("manager_id", ("employee", "customer")),
    "dim_customers": OwnerRule("manager_id", ("employee", "customer")),
    "dim_date": OwnerRule(None),
    "dim_departments": OwnerRule("department_id", by_department=True),
    "dim_employees": OwnerRule("employee_id"),
    "fct_funnel": OwnerRule("employee_id", ("employee",)),
    "fct_interactions": OwnerRule("employee_id", ("employee",)),
    "fct_journey": OwnerRule("manager_id", ("employee", "customer")),
    "fct_order_lines": OwnerRule("executor_id", ("employee", "product")),
    "fct_orders": OwnerRule("executor_id", ("employee", "product")),
    "fct_payments": OwnerRule("executor_id", ("employee", "product")),
    "fct_relationship_moves": OwnerRule("manager_id", ("employee", "customer")),
    "fct_task_status": OwnerRule("employee_id", ("employee", "task")),
    "fct_tasks": OwnerRule("assignee_id", ("employee", "task")),
}
