-- An inner join to any dimension never drops a fact: every id and every day of every mart is a member. One row per pair that fails.
{% set pairs = [
    ('fct_interactions', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_tasks', 'assignee_id', 'dim_employees', 'employee_id'),
    ('fct_tasks', 'creator_id', 'dim_employees', 'employee_id'),
    ('fct_orders', 'executor_id', 'dim_employees', 'employee_id'),
    ('fct_orders', 'creator_id', 'dim_employees', 'employee_id'),
    ('fct_order_lines', 'executor_id', 'dim_employees', 'employee_id'),
    ('fct_payments', 'executor_id', 'dim_employees', 'employee_id'),
    ('fct_relationship_moves', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_funnel', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_task_status', 'employee_id', 'dim_employees', 'employee_id'),
    ('fct_journey', 'manager_id', 'dim_employees', 'employee_id'),
    ('dim_customers', 'manager_id', 'dim_employees', 'employee_id'),
    ('dim_customers', 'creator_id', 'dim_employees', 'employee_id'),
    ('dim_customer_cohort', 'manager_id', 'dim_employees', 'employee_id'),
    ('dim_employees', 'department_id', 'dim_departments', 'department_id'),
    ('dim_departments', 'parent_department_id', 'dim_departments', 'department_id'),
    ('fct_interactions', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_orders', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_order_lines', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_payments', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_relationship_moves', 'customer_id', 'dim_customers', 'customer_id'),
    ('dim_customer_cohort', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_interactions', 'occurred_date', 'dim_date', 'calendar_date'),
    ('fct_interactions', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_tasks', 'created_date', 'dim_date', 'calendar_date'),
    ('fct_tasks', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_tasks', 'due_date', 'dim_date', 'calendar_date'),
    ('fct_tasks', 'completed_date', 'dim_date', 'calendar_date'),
    ('fct_orders', 'order_date', 'dim_date', 'calendar_date'),
    ('fct_orders', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_order_lines', 'order_date', 'dim_date', 'calendar_date'),
    ('fct_order_lines', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_payments', 'paid_date', 'dim_date', 'calendar_date'),
    ('fct_payments', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_relationship_moves', 'moved_date', 'dim_date', 'calendar_date'),
    ('fct_relationship_moves', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_funnel', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_task_status', 'month_date', 'dim_date', 'calendar_date'),
    ('fct_journey', 'as_of_date', 'dim_date', 'calendar_date'),
    ('fct_journey', 'created_date', 'dim_date', 'calendar_date'),
    ('dim_customers', 'created_date', 'dim_date', 'calendar_date'),
    ('dim_customers', 'created_month_date', 'dim_date', 'calendar_date'),
    ('dim_customer_cohort', 'cohort_month_date', 'dim_date', 'calendar_date'),
    ('dim_customer_cohort', 'first_order_date', 'dim_date', 'calendar_date'),
    ('fct_customer_cycle', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_milestones', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_stages', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_cycle_members', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_relationship_stays', 'manager_id', 'dim_employees', 'employee_id'),
    ('kpi_cohort_funnel', 'manager_id', 'dim_employees', 'employee_id'),
    ('kpi_customer_cycle', 'manager_id', 'dim_employees', 'employee_id'),
    ('kpi_journey_time', 'manager_id', 'dim_employees', 'employee_id'),
    ('fct_customer_cycle', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_milestones', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_customer_stages', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_cycle_members', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_relationship_stays', 'customer_id', 'dim_customers', 'customer_id'),
    ('fct_relationship_stays', 'entered_date', 'dim_date', 'calendar_date'),
    ('fct_relationship_stays', 'left_date', 'dim_date', 'calendar_date'),
    ('fct_customer_cycle', 'created_date', 'dim_date', 'calendar_date'),
    ('fct_customer_cycle', 'event_date', 'dim_date', 'calendar_date'),
    ('kpi_cohort_funnel', 'cohort_month_date', 'dim_date', 'calendar_date'),
    ('fct_customer_milestones', 'first_interaction_date', 'dim_date', 'calendar_date'),
    ('fct_customer_milestones', 'first_task_date', 'dim_date', 'calendar_date'),
    ('fct_customer_milestones', 'first_order_date', 'dim_date', 'calendar_date'),
    ('fct_customer_milestones', 'first_payment_date', 'dim_date', 'calendar_date'),
] %}

with final as (
    {% for mart, column, dimension, key in pairs %}
    select
        '{{ mart }}.{{ column }}' as mart_column,
        '{{ dimension }}.{{ key }}' as dimension_key,
        count(*) as missing_rows
    from {{ ref(mart) }} as facts
    left join {{ ref(dimension) }} as members on facts.{{ column }} = members.{{ key }}
    where
        facts.{{ column }} is not null
        and members.{{ key }} is null
    having count(*) > 0
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
)

select * from final
