{%- set touched -%}
select order_date from {{ changes('fct_orders') }}
union all
select paid_date from {{ changes('fct_payments') }}
union all
select calendar_date from marts.dim_date where exists (select 1 from {{ changes('dim_employees') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'calendar_date', 'touched': touched}}) }}

with orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('order_date') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
    {{ in_scope('paid_date') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

events as (
    select
        orders.executor_id as employee_id,
        orders.order_date as calendar_date,
        orders.sales_amount,
        orders.revenue_amount,
        0 as collected_amount
    from orders
    union all
    select
        payments.executor_id as employee_id,
        payments.paid_date as calendar_date,
        0 as sales_amount,
        0 as revenue_amount,
        payments.collected_amount
    from payments
),

totals as (
    select
        employees.department_id,
        events.calendar_date,
        sum(events.sales_amount) as sales_amount,
        sum(events.revenue_amount) as revenue_amount,
        sum(events.collected_amount) as collected_amount
    from events
    inner join employees on events.employee_id = employees.employee_id
    group by
        employees.department_id,
        events.calendar_date
),

final as (
    select
        cast(totals.department_id as string) as department_id,
        cast(totals.calendar_date as date) as calendar_date,
        cast(totals.sales_amount as decimal(18, 2)) as sales_amount,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.collected_amount as decimal(18, 2)) as collected_amount
    from totals
    where
        totals.sales_amount != 0
        or totals.revenue_amount != 0
        or totals.collected_amount != 0
)

select * from final
