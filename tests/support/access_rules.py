"""Which rights open which rows of a mart, as the tests state it: a second statement beside the views and `owners.py`.

Belongs here: owner columns and reports by mart. Not here: who is in whose scope.
"""

from __future__ import annotations

OWNERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dim_customer_cohort": ("manager_id", ("employee", "customer")),
    "dim_customers": ("manager_id", ("employee", "customer")),
    "fct_campaign_interactions": ("owner_id", ("employee", "campaign")),
    "fct_card_interactions": ("employee_id", ("employee",)),
    "fct_customer_cycle": ("manager_id", ("employee", "customer")),
    "fct_customer_industries": ("manager_id", ("employee", "customer")),
    "fct_customer_milestones": ("manager_id", ("employee", "customer")),
    "fct_customer_owners": ("manager_id", ("employee", "customer")),
    "fct_customer_persons": ("manager_id", ("employee", "customer")),
    "fct_customer_sources": ("manager_id", ("employee", "customer")),
    "fct_customer_stages": ("manager_id", ("employee", "customer")),
    "fct_cycle_members": ("manager_id", ("employee", "customer")),
    "fct_funnel": ("employee_id", ("employee",)),
    "fct_funnel_by_source": ("employee_id", ("employee",)),
    "fct_interactions": ("employee_id", ("employee",)),
    "fct_journey": ("manager_id", ("employee", "customer")),
    "fct_new_customer_sources": ("employee_id", ("employee",)),
    "fct_opportunities": ("owner_id", ("employee", "campaign")),
    "fct_order_lines": ("executor_id", ("employee", "product")),
    "fct_order_sources": ("executor_id", ("employee", "product")),
    "fct_orders": ("executor_id", ("employee", "product")),
    "fct_payments": ("executor_id", ("employee", "product")),
    "fct_product_sales": ("executor_id", ("employee", "product")),
    "fct_relationship_moves": ("manager_id", ("employee", "customer")),
    "fct_relationship_stays": ("manager_id", ("employee", "customer")),
    "fct_task_status": ("employee_id", ("employee", "task")),
    "fct_tasks": ("assignee_id", ("employee", "task")),
    "kpi_call_day": ("employee_id", ("employee", "telesales")),
    "kpi_campaign_month": ("owner_id", ("employee", "campaign")),
    "kpi_campaign_owner": ("owner_id", ("employee", "campaign")),
    "kpi_cohort_funnel": ("manager_id", ("employee", "customer")),
    "kpi_customer_cycle": ("manager_id", ("employee", "customer")),
    "kpi_customer_month": ("manager_id", ("employee", "customer")),
    "kpi_customer_structure": ("manager_id", ("employee", "customer")),
    "kpi_interactions_by_type": ("employee_id", ("employee",)),
    "kpi_journey_time": ("manager_id", ("employee", "customer")),
    "kpi_product_period": ("executor_id", ("employee", "product")),
    "kpi_product_source_month": ("executor_id", ("employee", "product")),
    "kpi_product_top": ("executor_id", ("employee", "product")),
    "kpi_province_top": ("manager_id", ("employee", "customer")),
    "kpi_task_month": ("employee_id", ("employee", "task")),
}
# Only where KPI_PUBLISH_CONTACTS is on: open to who may see the customer's name.
OWNERS_OF_CONTACTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dim_customer_contact_details": OWNERS["dim_customers"],
}
# Rows of people and rows of departments in one mart: a row with a department is the department's.
OWNERS_AND_DEPARTMENTS: dict[str, tuple[str, ...]] = {
    "kpi_reconciliation": ("employee",),
    "kpi_target_attainment": ("employee", "targets"),
}
# Rows of two people, open to who may see either.
OWNERS_OF_TWO: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "fct_customer_events": ("manager_id", "manager_current_id", ("employee", "customer")),
}
# Rows of departments, through the department report.
OF_DEPARTMENTS = (
    "kpi_department_day",
    "kpi_department_member_month",
    "kpi_department_month",
    "kpi_department_month_history",
    "kpi_department_reconciliation",
)
# Rows about people themselves, open through any report.
OF_PEOPLE = ("dim_employees", "dim_employee_department_history", "fct_employee_departments")
# Lists of names: nobody's rows, open to anyone with a right.
NAME_LISTS = (
    "dim_campaigns",
    "dim_industries",
    "dim_labels",
    "dim_metrics",
    "dim_products",
    "dim_projects",
    "dim_provinces",
    "dim_relationships",
    "dim_sources",
    "dim_task_types",
)
# Rows of employees, departments and the company; without a frozen month only the first has any. Who sees which of them:
# test_frozen_months.py.
FIGURES = ("kpi_month_figures",)
OF_FROZEN_MONTHS = ("fct_restatement_rows", "kpi_monthly_snapshot", "kpi_restatement")
VIEWS = (
    *OWNERS,
    *OWNERS_AND_DEPARTMENTS,
    *OWNERS_OF_TWO,
    *OF_DEPARTMENTS,
    *OF_PEOPLE,
    *NAME_LISTS,
    "dim_departments",
    "dim_date",
    *FIGURES,
    *OF_FROZEN_MONTHS,
)
