-- A department of then has the rows of whoever belonged to it; all departments of a month are all departments of now; and everybody's last
-- department is the one of now.
{% set measures = ['interactions', 'activities', 'orders', 'sales_amount', 'revenue_amount', 'collected_amount'] %}

{% set read = [
    ref('fct_interactions'),
    ref('fct_tasks'),
    ref('fct_orders'),
    ref('fct_payments'),
    ref('kpi_department_month_history'),
    ref('kpi_department_month'),
] %}
{% set whole_with = [ref('dim_employee_department_history')] %}

with rows_of_people as (
    select
        'interactions' as measure,
        interaction_key as row_id,
        employee_id,
        month_date,
        occurred_at as acted_at,
        interactions as figure
    from {{ rows_of_changed(ref('fct_interactions'), 'month_date', read, whole_with) }}
    union all
    select
        'activities' as measure,
        task_id as row_id,
        assignee_id as employee_id,
        month_date,
        created_at as acted_at,
        1 as figure
    from {{ rows_of_changed(ref('fct_tasks'), 'month_date', read, whole_with) }}
    {% for measure in ['orders', 'sales_amount', 'revenue_amount'] %}
    union all
    select
        '{{ measure }}' as measure,
        order_id as row_id,
        executor_id as employee_id,
        month_date,
        {{ last_instant_of('order_date') }} as acted_at,
        {{ measure }} as figure
    from {{ rows_of_changed(ref('fct_orders'), 'month_date', read, whole_with) }}
    {% endfor %}
    union all
    select
        'collected_amount' as measure,
        payment_id as row_id,
        executor_id as employee_id,
        month_date,
        {{ last_instant_of('paid_date') }} as acted_at,
        collected_amount as figure
    from {{ rows_of_changed(ref('fct_payments'), 'month_date', read, whole_with) }}
),

-- The latest stretch that had begun.
placed as (
    select
        rows_of_people.measure,
        rows_of_people.month_date,
        rows_of_people.figure,
        places.department_id,
        row_number() over (
            partition by rows_of_people.measure, rows_of_people.row_id order by places.valid_from_at desc
        ) as place_number
    from rows_of_people
    left join {{ ref('dim_employee_department_history') }} as places
        on
            rows_of_people.employee_id = places.employee_id
            and rows_of_people.acted_at >= places.valid_from_at
),

details as (
    select
        measure,
        month_date,
        department_id,
        sum(figure) as figure
    from placed
    where place_number = 1
    group by
        measure,
        month_date,
        department_id
),

figures as (
    {% for measure in measures %}
    select
        '{{ measure }}' as measure,
        month_date,
        department_id,
        {{ measure }} as figure
    from {{ rows_of_changed(ref('kpi_department_month_history'), 'month_date', read, whole_with) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

different_figures as (
    select
        coalesce(figures.measure, details.measure) as measure,
        cast(coalesce(figures.month_date, details.month_date) as varchar) as month,
        coalesce(figures.department_id, details.department_id) as member_id
    from figures
    full outer join details
        on
            figures.measure = details.measure
            and figures.month_date = details.month_date
            and figures.department_id = details.department_id
    where coalesce(figures.figure, 0) != coalesce(details.figure, 0)
),

totals_then as (
    select
        month_date,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ rows_of_changed(ref('kpi_department_month_history'), 'month_date', read, whole_with) }}
    group by month_date
),

totals_now as (
    select
        month_date,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ rows_of_changed(ref('kpi_department_month'), 'month_date', read, whole_with) }}
    group by month_date
),

different_totals as (
    select
        'any' as measure,
        cast(coalesce(totals_then.month_date, totals_now.month_date) as varchar) as month,
        'all' as member_id
    from totals_then
    full outer join totals_now on totals_then.month_date = totals_now.month_date
    where
        false
        {%- for measure in measures %}
        or coalesce(totals_then.{{ measure }}, 0) != coalesce(totals_now.{{ measure }}, 0)
        {%- endfor %}
),

different_places as (
    select
        'department' as measure,
        'now' as month,
        employees.employee_id as member_id
    from {{ ref('dim_employees') }} as employees
    left join {{ ref('dim_employee_department_history') }} as places
        on
            employees.employee_id = places.employee_id
            and places.is_current
    where
        places.department_id is null
        or places.department_id != employees.department_id
),

final as (
    select * from different_figures
    union all
    select * from different_totals
    union all
    select * from different_places
)

select * from final
