-- A department's target of one whole month has, with everything below it, the months of all departments under it, at any depth.
{% set metrics = [
    'new_customers',
    'interactions',
    'activities',
    'orders',
    'sales_amount',
    'revenue_amount',
    'collected_amount',
] %}

-- A closed department is in no tree, and still its own.
with lines as (
    select
        department_id as ancestor_id,
        department_id
    from {{ ref('dim_departments') }}
    union all
    select
        ancestor_id,
        descendant_id as department_id
    from {{ ref('core_department_tree') }}
    where depth > 0
),

figures as (
    {% for metric in metrics %}
    select
        '{{ metric }}' as metric,
        month_date,
        department_id,
        cast({{ metric }} as decimal(18, 2)) as figure
    from {{ ref('kpi_department_month') }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

months as (
    select
        month_date,
        min(calendar_date) as first_date,
        max(calendar_date) as last_date
    from {{ ref('dim_date') }}
    group by month_date
),

wrong_sums as (
    select
        attainment.period_start,
        attainment.employee_id,
        attainment.department_id,
        attainment.metric
    from {{ ref('kpi_target_attainment') }} as attainment
    inner join months
        on
            attainment.period_start = months.first_date
            and attainment.period_end = months.last_date
    left join lines on attainment.department_id = lines.ancestor_id
    left join figures
        on
            attainment.metric = figures.metric
            and months.month_date = figures.month_date
            and lines.department_id = figures.department_id
    where
        attainment.metric in ('{{ metrics | join("', '") }}')
        and attainment.department_id not in ('none', 'unknown')
    group by
        attainment.period_start,
        attainment.employee_id,
        attainment.department_id,
        attainment.metric,
        attainment.actual_value_with_below
    having
        attainment.actual_value_with_below is null
        or attainment.actual_value_with_below != coalesce(sum(figures.figure), 0)
),

of_employees as (
    select
        attainment.period_start,
        attainment.employee_id,
        attainment.department_id,
        attainment.metric
    from {{ ref('kpi_target_attainment') }} as attainment
    where
        attainment.department_id = 'none'
        and (attainment.actual_value_with_below is not null or attainment.attainment_with_below_rate is not null)
),

final as (
    select * from wrong_sums
    union all
    select * from of_employees
)

select * from final
