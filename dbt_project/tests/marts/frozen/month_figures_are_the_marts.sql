-- Figures of employees, departments and the company are those of the marts that show them.
{%- set shown = [
    ('employee', 'fct_funnel', 'employee_id', 'month_date', [
        'new_customers', 'customers_in_charge', 'interactions', 'activities', 'orders', 'returns', 'sales_amount', 'revenue_amount',
        'collected_amount'
    ]),
    ('employee', 'fct_task_status', 'employee_id', 'month_date', [
        'tasks_new', 'tasks_in_progress', 'tasks_awaiting_confirmation', 'tasks_late', 'tasks_completed', 'tasks_completed_late',
        'tasks_cancelled'
    ]),
    ('employee', 'kpi_call_day', 'employee_id', 'occurred_date', ['calls', 'calls_connected']),
    ('department', 'kpi_department_month', 'department_id', 'month_date', [
        'new_customers', 'customers_in_charge', 'interactions', 'activities', 'orders', 'sales_amount', 'revenue_amount',
        'collected_amount'
    ]),
] %}

with figures as (
    select
        figures.month_date,
        figures.subject_level,
        figures.subject_id,
        figures.metric,
        figures.value
    from {{ ref('kpi_month_figures') }} as figures
    where figures.denominator is null
),

shown as (
    {%- for level, mart, subject, day_column, names in shown %}
    {%- set last_source = loop.last %}
    {%- for name in names %}
    select
        {{ month_of(day_column) }} as month_date,
        '{{ level }}' as subject_level,
        {{ subject }} as subject_id,
        '{{ name }}' as metric,
        sum({{ name }}) as value
    from {{ ref(mart) }}
    where {{ day_column }} <= {{ as_of() }}
    group by
        {{ month_of(day_column) }},
        {{ subject }}
    {%- if not (last_source and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

-- The company is everybody of a mart, and everybody of the departments.
company_shown as (
    select
        month_date,
        'company' as subject_level,
        'all' as subject_id,
        metric,
        subject_level as summed_level,
        sum(value) as value
    from shown
    group by
        month_date,
        metric,
        subject_level
),

compared as (
    select
        shown.month_date,
        shown.subject_level,
        shown.subject_id,
        shown.metric,
        coalesce(figures.value, 0) as figure,
        shown.value as shown_value
    from shown
    inner join {{ ref('snapshot_metrics') }} as listed on shown.metric = listed.metric
    left join figures
        on
            shown.month_date = figures.month_date
            and shown.subject_level = figures.subject_level
            and shown.subject_id = figures.subject_id
            and shown.metric = figures.metric
    union all
    select
        company_shown.month_date,
        company_shown.subject_level,
        company_shown.subject_id,
        company_shown.metric,
        coalesce(figures.value, 0) as figure,
        company_shown.value as shown_value
    from company_shown
    inner join {{ ref('snapshot_metrics') }} as listed on company_shown.metric = listed.metric
    left join figures
        on
            company_shown.month_date = figures.month_date
            and company_shown.subject_level = figures.subject_level
            and company_shown.metric = figures.metric
    union all
    select
        figures.month_date,
        figures.subject_level,
        figures.subject_id,
        figures.metric,
        figures.value as figure,
        0 as shown_value
    from figures
    left join shown
        on
            figures.month_date = shown.month_date
            and figures.subject_level = shown.subject_level
            and figures.subject_id = shown.subject_id
            and figures.metric = shown.metric
    where
        figures.subject_level = 'employee'
        and figures.value != 0
        and shown.metric is null
),

final as (
    select * from compared
    where figure != shown_value
)

select * from final
