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
{% set compared = {'kpi_department_month': ['month_date', 'department_id'] + measures} %}

{# Who acted, when, and the figures of a row, per mart. #}
{% set facts = [
    ('fct_interactions', 'employee_id', 'occurred_at', {'interactions': 'interactions'}),
    ('fct_tasks', 'assignee_id', 'created_at', {'activities': '1'}),
    (
        'fct_orders', 'executor_id', last_instant_of('order_date'),
        {'orders': 'orders', 'sales_amount': 'sales_amount', 'revenue_amount': 'revenue_amount'},
    ),
    ('fct_payments', 'executor_id', last_instant_of('paid_date'), {'collected_amount': 'collected_amount'}),
] %}

with rows_of_people as (
    {% for mart, person, acted_at, given in facts %}
    select
        {{ person }} as employee_id,
        month_date,
        {%- for measure in measures %}
        {{ given.get(measure, 0) }} as {{ measure }},
        {%- endfor %}
        {{ acted_at }} as acted_at
    from {{ rows_of_changed(ref(mart), 'month_date', read, whole_with, compared) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

-- Each stretch up to the next one's beginning: at every instant the latest that had begun, and no other.
places as (
    select
        employee_id,
        department_id,
        valid_from_at,
        coalesce(
            lead(valid_from_at) over (partition by employee_id order by valid_from_at),
            cast('9999-12-31' as timestamp)
        ) as next_from_at
    from {{ ref('dim_employee_department_history') }}
),

sums as (
    select
        rows_of_people.month_date,
        {%- for measure in measures %}
        sum(rows_of_people.{{ measure }}) as {{ measure }},
        {%- endfor %}
        places.department_id
    from rows_of_people
    left join places
        on
            rows_of_people.employee_id = places.employee_id
            and rows_of_people.acted_at >= places.valid_from_at
            and rows_of_people.acted_at < places.next_from_at
    group by
        rows_of_people.month_date,
        places.department_id
),

details as (
    {% for measure in measures %}
    select
        '{{ measure }}' as measure,
        month_date,
        department_id,
        {{ measure }} as figure
    from sums
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

figures as (
    {% for measure in measures %}
    select
        '{{ measure }}' as measure,
        month_date,
        department_id,
        {{ measure }} as figure
    from {{ rows_of_changed(ref('kpi_department_month_history'), 'month_date', read, whole_with, compared) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

different_figures as (
    select
        coalesce(figures.measure, details.measure) as measure,
        cast(coalesce(figures.month_date, details.month_date) as string) as month,
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
    from {{ rows_of_changed(ref('kpi_department_month_history'), 'month_date', read, whole_with, compared) }}
    group by month_date
),

totals_now as (
    select
        month_date,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ rows_of_changed(ref('kpi_department_month'), 'month_date', read, whole_with, compared) }}
    group by month_date
),

different_totals as (
    select
        'any' as measure,
        cast(coalesce(totals_then.month_date, totals_now.month_date) as string) as month,
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
