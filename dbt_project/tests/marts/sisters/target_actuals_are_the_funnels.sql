-- A target of one whole month has the actual that the funnel has; a department's, the sum over the people whose department it is now.
{% set metrics = [
    'new_customers',
    'interactions',
    'activities',
    'orders',
    'returns',
    'sales_amount',
    'revenue_amount',
    'collected_amount',
] %}

with months as (
    select
        month_date,
        min(calendar_date) as first_date,
        max(calendar_date) as last_date
    from {{ ref('dim_date') }}
    group by month_date
),

people as (
    {% for metric in metrics %}
    select
        '{{ metric }}' as metric,
        funnel.month_date,
        funnel.employee_id,
        employees.department_id,
        cast(funnel.{{ metric }} as decimal(18, 2)) as figure
    from {{ ref('fct_funnel') }} as funnel
    inner join {{ ref('dim_employees') }} as employees on funnel.employee_id = employees.employee_id
    where not employees.is_placeholder
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

-- A person's figures stand under the person, and under the department: a target has one of the two.
figures as (
    select
        metric,
        month_date,
        employee_id,
        'none' as department_id,
        figure
    from people
    union all
    select
        metric,
        month_date,
        'none' as employee_id,
        department_id,
        figure
    from people
    where department_id != 'none'
),

targets as (
    select
        attainment.*,
        months.month_date
    from {{ ref('kpi_target_attainment') }} as attainment
    inner join months
        on
            attainment.period_start = months.first_date
            and attainment.period_end = months.last_date
    where
        attainment.metric in ('{{ metrics | join("', '") }}')
        and attainment.employee_id != 'unknown'
        and attainment.department_id != 'unknown'
),

final as (
    select
        targets.period_start,
        targets.employee_id,
        targets.department_id,
        targets.metric,
        targets.actual_value,
        sum(figures.figure) as expected_value
    from targets
    left join figures
        on
            targets.metric = figures.metric
            and targets.month_date = figures.month_date
            and targets.employee_id = figures.employee_id
            and targets.department_id = figures.department_id
    group by
        targets.period_start,
        targets.employee_id,
        targets.department_id,
        targets.metric,
        targets.actual_value
    having targets.actual_value is null or targets.actual_value != coalesce(sum(figures.figure), 0)
)

select * from final
