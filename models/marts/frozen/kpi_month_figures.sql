{#- Every measure here has its rows in the macro month_figure_rows. -#}
{%- set sources = [
    ('fct_funnel', 'month_date', [
        'new_customers', 'new_customers_current', 'customers_in_charge', 'interactions', 'activities',
        'orders', 'returns', 'sales_amount', 'revenue_amount', 'collected_amount'
    ]),
    ('fct_task_status', 'month_date', [
        'tasks_created', 'tasks_new', 'tasks_in_progress', 'tasks_awaiting_confirmation', 'tasks_late', 'tasks_completed',
        'tasks_completed_late', 'tasks_cancelled'
    ]),
    ('kpi_call_day', 'occurred_date', ['calls', 'calls_connected']),
] -%}

with snapshot_metrics as (
    select * from {{ ref('snapshot_metrics') }}
),

catalogue as (
    select * from {{ ref('metric_catalogue') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

targets as (
    select * from {{ ref('kpi_target_attainment') }}
),

listed as (
    select
        snapshot_metrics.metric,
        catalogue.unit,
        snapshot_metrics.changes_with_time,
        catalogue.numerator as numerator_metric,
        catalogue.denominator as denominator_metric
    from snapshot_metrics
    inner join catalogue on snapshot_metrics.metric = catalogue.metric
),

measures as (
    {%- for mart, day_column, names in sources %}
    {%- set last_source = loop.last %}
    {%- for name in names %}
    select
        {{ month_of(day_column) }} as month_date,
        employee_id,
        '{{ name }}' as metric,
        cast({{ name }} as decimal(24, 6)) as value
    from {{ ref(mart) }}
    {%- if not (last_source and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

measure_names as (
    {%- for mart, day_column, names in sources %}
    {%- set last_source = loop.last %}
    {%- for name in names %}
    select '{{ name }}' as metric
    {%- if not (last_source and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

employee_values as (
    select
        measures.month_date,
        measures.employee_id,
        measures.metric,
        sum(measures.value) as value
    from measures
    inner join listed on measures.metric = listed.metric
    where measures.month_date <= {{ as_of() }}
    group by
        measures.month_date,
        measures.employee_id,
        measures.metric
),

months as (
    select distinct employee_values.month_date
    from employee_values
),

-- The company has a row of every figure in every month, zeros too: they say what was looked at.
company_keys as (
    select
        months.month_date,
        listed.metric
    from months
    cross join listed
    inner join measure_names on listed.metric = measure_names.metric
),

company_values as (
    select
        company_keys.month_date,
        company_keys.metric,
        coalesce(sum(employee_values.value), 0) as value
    from company_keys
    left join employee_values
        on
            company_keys.month_date = employee_values.month_date
            and company_keys.metric = employee_values.metric
    group by
        company_keys.month_date,
        company_keys.metric
),

department_values as (
    select
        employee_values.month_date,
        employees.department_id,
        employee_values.metric,
        sum(employee_values.value) as value
    from employee_values
    inner join employees on employee_values.employee_id = employees.employee_id
    group by
        employee_values.month_date,
        employees.department_id,
        employee_values.metric
),

level_values as (
    select
        month_date,
        'employee' as subject_level,
        employee_id as subject_id,
        metric,
        value
    from employee_values
    where value != 0
    union all
    select
        month_date,
        'department' as subject_level,
        department_id as subject_id,
        metric,
        value
    from department_values
    where value != 0
    union all
    select
        month_date,
        'company' as subject_level,
        'all' as subject_id,
        metric,
        value
    from company_values
),

-- A target belongs to a month when its days are the month's.
month_targets as (
    select
        targets.period_start as month_date,
        case when targets.department_id = 'none' then 'employee' else 'department' end as subject_level,
        case when targets.department_id = 'none' then targets.employee_id else targets.department_id end as subject_id,
        targets.metric,
        targets.target_value,
        targets.direction as target_direction,
        targets.weight as target_weight,
        targets.attainment_rate,
        targets.actual_value_with_below,
        targets.attainment_with_below_rate
    from targets
    inner join listed on targets.metric = listed.metric
    where
        targets.employee_id != 'unknown'
        and targets.department_id != 'unknown'
        and targets.period_start <= {{ as_of() }}
        and targets.period_start = {{ month_of('targets.period_start') }}
        and {{ dbt.dateadd('day', 1, 'targets.period_end') }} = {{ dbt.dateadd('month', 1, 'targets.period_start') }}
),

keys as (
    select
        month_date,
        subject_level,
        subject_id,
        metric
    from level_values
    union
    select
        month_date,
        subject_level,
        subject_id,
        metric
    from month_targets
),

measured as (
    select
        keys.month_date,
        keys.subject_level,
        keys.subject_id,
        keys.metric,
        coalesce(level_values.value, 0) as value,
        month_targets.target_value,
        month_targets.target_direction,
        month_targets.target_weight,
        month_targets.attainment_rate,
        month_targets.actual_value_with_below,
        month_targets.attainment_with_below_rate
    from keys
    left join level_values
        on
            keys.month_date = level_values.month_date
            and keys.subject_level = level_values.subject_level
            and keys.subject_id = level_values.subject_id
            and keys.metric = level_values.metric
    left join month_targets
        on
            keys.month_date = month_targets.month_date
            and keys.subject_level = month_targets.subject_level
            and keys.subject_id = month_targets.subject_id
            and keys.metric = month_targets.metric
),

-- A rate is the quotient of sums, never a mean of rates; a subject has it when it has something to divide by.
rates as (
    select
        denominators.month_date,
        denominators.subject_level,
        denominators.subject_id,
        listed.metric,
        coalesce(numerators.value, 0) as numerator,
        denominators.value as denominator
    from listed
    inner join level_values as denominators on listed.denominator_metric = denominators.metric
    left join level_values as numerators
        on
            listed.numerator_metric = numerators.metric
            and denominators.month_date = numerators.month_date
            and denominators.subject_level = numerators.subject_level
            and denominators.subject_id = numerators.subject_id
),

figures as (
    select
        measured.month_date,
        measured.subject_level,
        measured.subject_id,
        measured.metric,
        measured.value,
        cast(null as decimal(24, 6)) as numerator,
        cast(null as decimal(24, 6)) as denominator,
        measured.target_value,
        measured.target_direction,
        measured.target_weight,
        measured.attainment_rate,
        measured.actual_value_with_below,
        measured.attainment_with_below_rate
    from measured
    union all
    select
        rates.month_date,
        rates.subject_level,
        rates.subject_id,
        rates.metric,
        cast({{ ratio('rates.numerator', 'rates.denominator') }} as decimal(24, 6)) as value,
        rates.numerator,
        rates.denominator,
        cast(null as decimal(18, 4)) as target_value,
        cast(null as string) as target_direction,
        cast(null as decimal(9, 6)) as target_weight,
        cast(null as double) as attainment_rate,
        cast(null as decimal(18, 2)) as actual_value_with_below,
        cast(null as double) as attainment_with_below_rate
    from rates
),

final as (
    select
        cast(figures.month_date as date) as month_date,
        cast(figures.subject_level as string) as subject_level,
        cast(figures.subject_id as string) as subject_id,
        cast(figures.metric as string) as metric,
        cast(listed.unit as string) as unit,
        cast(listed.changes_with_time as boolean) as changes_with_time,
        cast(figures.value as decimal(24, 6)) as value,
        cast(figures.numerator as decimal(24, 6)) as numerator,
        cast(figures.denominator as decimal(24, 6)) as denominator,
        cast(figures.target_value as decimal(18, 4)) as target_value,
        cast(figures.target_direction as string) as target_direction,
        cast(figures.target_weight as decimal(9, 6)) as target_weight,
        cast(figures.attainment_rate as double) as attainment_rate,
        cast(figures.actual_value_with_below as decimal(18, 2)) as actual_value_with_below,
        cast(figures.attainment_with_below_rate as double) as attainment_with_below_rate
    from figures
    inner join listed on figures.metric = listed.metric
)

select * from final
