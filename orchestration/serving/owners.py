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
    `column` holds a department: without `reports` also those of the people the viewer sees (names only).
    `department_column` names a second owner: a row with a department there is that department's, open through
    `department_reports`, and no person's. `other_column` names a second employee: the row is open to whoever may see
    either of the two. `level_column` says whose the row is: an employee's through `reports`, a department's through
    `department_reports` (`column` holds either), or the company's, which is open to who may see everybody.
    """

    column: str | None
    reports: tuple[str, ...] = EVERY_REPORT
    by_department: bool = False
    department_column: str | None = None
    department_reports: tuple[str, ...] = EVERY_REPORT
    other_column: str | None = None
    level_column: str | None = None


_LEVELS = OwnerRule("subject_id", ("employee",), department_reports=("department",), level_column="subject_level")

OWNERS: Mapping[str, OwnerRule] = {
    "dim_campaigns": OwnerRule(None),
    "dim_customer_cohort": OwnerRule("manager_id", ("employee", "customer")),
    "dim_customer_contact_details": OwnerRule("manager_id", ("employee", "customer")),
    "dim_customers": OwnerRule("manager_id", ("employee", "customer")),
    "dim_date": OwnerRule(None),
    "dim_departments": OwnerRule("department_id", by_department=True),
    "dim_employee_department_history": OwnerRule("employee_id"),
    "dim_employees": OwnerRule("employee_id"),
    "dim_industries": OwnerRule(None),
    "dim_labels": OwnerRule(None),
    "dim_metrics": OwnerRule(None),
    "dim_products": OwnerRule(None),
    "dim_projects": OwnerRule(None),
    "dim_provinces": OwnerRule(None),
    "dim_relationships": OwnerRule(None),
    "dim_sources": OwnerRule(None),
    "dim_task_types": OwnerRule(None),
    "fct_campaign_interactions": OwnerRule("owner_id", ("employee", "campaign")),
    "fct_card_interactions": OwnerRule("employee_id", ("employee",)),
    "fct_customer_cycle": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_events": OwnerRule("manager_id", ("employee", "customer"), other_column="manager_current_id"),
    "fct_customer_industries": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_milestones": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_owners": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_persons": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_sources": OwnerRule("manager_id", ("employee", "customer")),
    "fct_customer_stages": OwnerRule("manager_id", ("employee", "customer")),
    "fct_cycle_members": OwnerRule("manager_id", ("employee", "customer")),
    "fct_employee_departments": OwnerRule("employee_id"),
    "fct_funnel": OwnerRule("employee_id", ("employee",)),
    "fct_funnel_by_source": OwnerRule("employee_id", ("employee",)),
    "fct_interactions": OwnerRule("employee_id", ("employee",)),
    "fct_journey": OwnerRule("manager_id", ("employee", "customer")),
    "fct_new_customer_sources": OwnerRule("employee_id", ("employee",)),
    "fct_opportunities": OwnerRule("owner_id", ("employee", "campaign")),
    "fct_order_lines": OwnerRule("executor_id", ("employee", "product")),
    "fct_order_sources": OwnerRule("executor_id", ("employee", "product")),
    "fct_orders": OwnerRule("executor_id", ("employee", "product")),
    "fct_payments": OwnerRule("executor_id", ("employee", "product")),
    "fct_product_sales": OwnerRule("executor_id", ("employee", "product")),
    "fct_relationship_moves": OwnerRule("manager_id", ("employee", "customer")),
    "fct_relationship_stays": OwnerRule("manager_id", ("employee", "customer")),
    "fct_restatement_rows": OwnerRule("employee_id", ("employee",)),
    "fct_task_status": OwnerRule("employee_id", ("employee", "task")),
    "fct_tasks": OwnerRule("assignee_id", ("employee", "task")),
    "kpi_call_day": OwnerRule("employee_id", ("employee", "telesales")),
    "kpi_campaign_month": OwnerRule("owner_id", ("employee", "campaign")),
    "kpi_campaign_owner": OwnerRule("owner_id", ("employee", "campaign")),
    "kpi_cohort_funnel": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_customer_cycle": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_customer_month": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_customer_structure": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_department_day": OwnerRule("department_id", ("department",), by_department=True),
    "kpi_department_member_month": OwnerRule("department_id", ("department",), by_department=True),
    "kpi_department_month": OwnerRule("department_id", ("department",), by_department=True),
    "kpi_department_month_history": OwnerRule("department_id", ("department",), by_department=True),
    "kpi_department_reconciliation": OwnerRule("department_id", ("department",), by_department=True),
    "kpi_interactions_by_type": OwnerRule("employee_id", ("employee",)),
    "kpi_journey_time": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_month_figures": _LEVELS,
    "kpi_monthly_snapshot": _LEVELS,
    "kpi_product_period": OwnerRule("executor_id", ("employee", "product")),
    "kpi_product_source_month": OwnerRule("executor_id", ("employee", "product")),
    "kpi_product_top": OwnerRule("executor_id", ("employee", "product")),
    "kpi_province_top": OwnerRule("manager_id", ("employee", "customer")),
    "kpi_reconciliation": OwnerRule(
        "employee_id", ("employee",), department_column="department_id", department_reports=("department",)
    ),
    "kpi_restatement": _LEVELS,
    "kpi_task_month": OwnerRule("employee_id", ("employee", "task")),
    "kpi_target_attainment": OwnerRule(
        "employee_id", ("employee", "targets"), department_column="department_id", department_reports=("department",)
    ),
}
