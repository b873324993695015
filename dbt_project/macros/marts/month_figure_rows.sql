{# Belongs here: the detail rows behind the figures that are frozen, as SQL, the same rows that the metric catalogue names.
   Not here: the figures (kpi_month_figures) or which of them are frozen (the seed snapshot_metrics). #}

{# One row per month_date, metric, employee_id and detail_key, with the row's part of the figure.
   `scope` names a CTE with the months and metrics wanted: month_date, metric. #}
{% macro month_figure_rows(scope) -%}
    {%- set measures = [
        ('interactions', 'fct_interactions', 'interaction_key', 'employee_id', 'month_date', 'interactions', 'detail.is_counted'),
        ('calls', 'fct_interactions', 'interaction_key', 'employee_id', 'month_date', none, "detail.interaction_type = 'call'"),
        ('calls_connected', 'fct_interactions', 'interaction_key', 'employee_id', 'month_date', none,
            "detail.interaction_type = 'call' and detail.outcome = 'answered'"),
        ('activities', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, none),
        ('tasks_created', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, none),
        ('tasks_new', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, "detail.task_state = 'new'"),
        ('tasks_in_progress', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, "detail.task_state = 'in_progress'"),
        ('tasks_awaiting_confirmation', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none,
            "detail.task_state = 'awaiting_confirmation'"),
        ('tasks_late', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, 'detail.is_late'),
        ('tasks_completed', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, "detail.task_state = 'completed'"),
        ('tasks_completed_late', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, 'detail.is_completed_late'),
        ('tasks_cancelled', 'fct_tasks', 'task_id', 'assignee_id', 'month_date', none, "detail.task_state = 'cancelled'"),
        ('orders', 'fct_orders', 'order_id', 'executor_id', 'month_date', 'orders', 'detail.is_counted'),
        ('returns', 'fct_orders', 'order_id', 'executor_id', 'month_date', 'returns', 'detail.is_counted'),
        ('sales_amount', 'fct_orders', 'order_id', 'executor_id', 'month_date', 'sales_amount', 'detail.is_counted'),
        ('revenue_amount', 'fct_orders', 'order_id', 'executor_id', 'month_date', 'revenue_amount', 'detail.is_counted'),
        ('collected_amount', 'fct_payments', 'payment_id', 'executor_id', 'month_date', 'collected_amount', 'detail.is_counted'),
        ('new_customers_current', 'dim_customers', 'customer_id', 'manager_id', 'created_month_date', none,
            'not detail.is_deleted and not detail.is_placeholder'),
    ] -%}
    {%- for metric, mart, key, owner, month, value, condition in measures %}
    select
        detail.{{ month }} as month_date,
        scope.metric,
        detail.{{ owner }} as employee_id,
        '{{ mart }}' as detail_mart,
        cast(detail.{{ key }} as string) as detail_key,
        cast({{ 'detail.' ~ value if value else '1' }} as decimal(24, 6)) as value
    from {{ ref(mart) }} as detail
    inner join {{ scope }} as scope on detail.{{ month }} = scope.month_date
    where
        scope.metric = '{{ metric }}'
        {%- if value %}
        and detail.{{ value }} != 0
        {%- endif %}
        {%- if condition %}
        and {{ condition }}
        {%- endif %}
    union all
    {%- endfor %}
    -- A customer of several sources has a row per source, and is one new customer.
    select distinct
        detail.month_date,
        scope.metric,
        detail.employee_id,
        'fct_new_customer_sources' as detail_mart,
        detail.customer_id as detail_key,
        cast(1 as decimal(24, 6)) as value
    from {{ ref('fct_new_customer_sources') }} as detail
    inner join {{ scope }} as scope on detail.month_date = scope.month_date
    where scope.metric = 'new_customers'
    union all
    -- Who is in charge at the end of the month; the running month ends with as_of.
    select
        scope.month_date,
        scope.metric,
        detail.manager_id as employee_id,
        'fct_customer_owners' as detail_mart,
        detail.customer_id as detail_key,
        cast(1 as decimal(24, 6)) as value
    from {{ ref('fct_customer_owners') }} as detail
    inner join {{ scope }} as scope
        on
            detail.valid_from_at < least({{ dbt.dateadd('month', 1, 'scope.month_date') }}, {{ as_of_end() }})
            and (
                detail.valid_to_at is null
                or detail.valid_to_at >= least({{ dbt.dateadd('month', 1, 'scope.month_date') }}, {{ as_of_end() }})
            )
    where scope.metric = 'customers_in_charge'
{%- endmacro %}
