with funnel as (
    select * from {{ ref('fct_funnel') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

totals as (
    select
        funnel.month_date,
        employees.department_id,
        sum(funnel.new_customers) as new_customers,
        sum(funnel.interactions) as interactions,
        sum(funnel.activities) as activities,
        sum(funnel.orders) as orders,
        sum(funnel.sales_amount) as sales_amount,
        sum(funnel.revenue_amount) as revenue_amount,
        sum(funnel.collected_amount) as collected_amount
    from funnel
    inner join employees on funnel.employee_id = employees.employee_id
    group by
        funnel.month_date,
        employees.department_id
),

buyers as (
    select
        orders.month_date,
        employees.department_id,
        count(distinct orders.customer_id) as ordering_customers
    from orders
    inner join employees on orders.executor_id = employees.employee_id
    where orders.orders = 1
    group by
        orders.month_date,
        employees.department_id
),

staff as (
    select
        employees.department_id,
        count(*) as members
    from employees
    where
        employees.is_active
        and not employees.is_deleted
        and not employees.is_placeholder
    group by employees.department_id
),

final as (
    select
        cast(totals.month_date as date) as month_date,
        cast(totals.department_id as varchar) as department_id,
        cast(coalesce(staff.members, 0) as bigint) as members,
        cast(totals.new_customers as bigint) as new_customers,
        cast(totals.interactions as bigint) as interactions,
        cast(totals.activities as bigint) as activities,
        cast(totals.orders as bigint) as orders,
        cast(totals.sales_amount as decimal(18, 2)) as sales_amount,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.collected_amount as decimal(18, 2)) as collected_amount,
        cast(coalesce(buyers.ordering_customers, 0) as bigint) as ordering_customers
    from totals
    left join buyers
        on
            totals.month_date = buyers.month_date
            and totals.department_id = buyers.department_id
    left join staff on totals.department_id = staff.department_id
    where
        totals.new_customers != 0
        or totals.interactions != 0
        or totals.activities != 0
        or totals.orders != 0
        or totals.sales_amount != 0
        or totals.revenue_amount != 0
        or totals.collected_amount != 0
)

select * from final
