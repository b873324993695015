-- Members are the funnel's rows and together the department's; shares and ranks are of the department; orders of the customers are those of
-- today's managers.
{% set measures = [
    'new_customers',
    'customers_in_charge',
    'customers_in_charge_current',
    'interactions',
    'activities',
    'orders',
    'sales_amount',
    'revenue_amount',
    'collected_amount',
] %}

with departments as (
    select
        month_date,
        department_id,
        max(department_revenue_amount) as department_revenue_amount,
        sum(revenue_share_rate) as revenue_share_rate,
        {%- for measure in measures %}
        sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        count(*) as all_rows
    from {{ ref('kpi_department_member_month') }}
    group by
        month_date,
        department_id
),

different_departments as (
    select
        coalesce(months.month_date, departments.month_date) as month_date,
        coalesce(months.department_id, departments.department_id) as member_id
    from {{ ref('kpi_department_month') }} as months
    full outer join departments
        on
            months.month_date = departments.month_date
            and months.department_id = departments.department_id
    where
        coalesce(departments.department_revenue_amount, 0) != coalesce(months.revenue_amount, 0)
        or abs(departments.revenue_share_rate - 1) > 0.000001
        {%- for measure in measures %}
        or coalesce(months.{{ measure }}, 0) != coalesce(departments.{{ measure }}, 0)
        {%- endfor %}
),

different_members as (
    select
        coalesce(funnel.month_date, members.month_date) as month_date,
        coalesce(funnel.employee_id, members.employee_id) as member_id
    from {{ ref('fct_funnel') }} as funnel
    full outer join {{ ref('kpi_department_member_month') }} as members
        on
            funnel.month_date = members.month_date
            and funnel.employee_id = members.employee_id
    where
        false
        {%- for measure in measures %}
        or coalesce(funnel.{{ measure }}, 0) != coalesce(members.{{ measure }}, 0)
        {%- endfor %}
),

wrong_ranks as (
    select
        members.month_date,
        members.employee_id as member_id
    from {{ ref('kpi_department_member_month') }} as members
    left join {{ ref('kpi_department_member_month') }} as better
        on
            members.month_date = better.month_date
            and members.department_id = better.department_id
            and members.revenue_amount < better.revenue_amount
    group by
        members.month_date,
        members.employee_id,
        members.revenue_rank
    having members.revenue_rank != count(better.employee_id) + 1
),

customer_orders as (
    select
        customer_months.month_date,
        employees.department_id,
        sum(customer_months.customer_orders_current) as customer_orders_current
    from {{ ref('kpi_customer_month') }} as customer_months
    inner join {{ ref('dim_employees') }} as employees on customer_months.manager_id = employees.employee_id
    group by
        customer_months.month_date,
        employees.department_id
),

different_customer_orders as (
    select
        coalesce(months.month_date, customer_orders.month_date) as month_date,
        coalesce(months.department_id, customer_orders.department_id) as member_id
    from {{ ref('kpi_department_month') }} as months
    full outer join customer_orders
        on
            months.month_date = customer_orders.month_date
            and months.department_id = customer_orders.department_id
    where coalesce(months.customer_orders_current, 0) != coalesce(customer_orders.customer_orders_current, 0)
),

final as (
    select * from different_departments
    union all
    select * from different_members
    union all
    select * from wrong_ranks
    union all
    select * from different_customer_orders
)

select * from final
