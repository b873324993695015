{%- set touched -%}
select month_date from {{ changes('fct_new_customer_sources') }}
union all
select month_date from {{ changes('fct_order_sources') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with customer_members as (
    select * from {{ ref('fct_new_customer_sources') }}
    {{ in_scope('month_date') }}
),

order_members as (
    select * from {{ ref('fct_order_sources') }}
    {{ in_scope('month_date') }}
),

events as (
    select
        customer_members.month_date,
        customer_members.employee_id,
        customer_members.source_id,
        customer_members.new_customers,
        customer_members.new_customers_split,
        0 as orders,
        0 as orders_split,
        0 as sales_amount,
        0 as sales_split_amount,
        0 as revenue_amount,
        0 as revenue_split_amount
    from customer_members
    union all
    select
        order_members.month_date,
        order_members.executor_id as employee_id,
        order_members.source_id,
        0 as new_customers,
        0 as new_customers_split,
        order_members.orders,
        order_members.orders_split,
        order_members.sales_amount,
        order_members.sales_split_amount,
        order_members.revenue_amount,
        order_members.revenue_split_amount
    from order_members
),

measured as (
    select
        events.month_date,
        events.employee_id,
        events.source_id,
        sum(events.new_customers) as new_customers,
        sum(events.new_customers_split) as new_customers_split,
        sum(events.orders) as orders,
        sum(events.orders_split) as orders_split,
        sum(events.sales_amount) as sales_amount,
        sum(events.sales_split_amount) as sales_split_amount,
        sum(events.revenue_amount) as revenue_amount,
        sum(events.revenue_split_amount) as revenue_split_amount
    from events
    group by
        events.month_date,
        events.employee_id,
        events.source_id
),

final as (
    select
        cast(measured.month_date as date) as month_date,
        cast(measured.employee_id as string) as employee_id,
        cast(measured.source_id as string) as source_id,
        cast(measured.new_customers as bigint) as new_customers,
        cast(measured.new_customers_split as decimal(18, 6)) as new_customers_split,
        cast(measured.orders as bigint) as orders,
        cast(measured.orders_split as decimal(18, 6)) as orders_split,
        cast(measured.sales_amount as decimal(18, 2)) as sales_amount,
        cast(measured.sales_split_amount as decimal(18, 2)) as sales_split_amount,
        cast(measured.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(measured.revenue_split_amount as decimal(18, 2)) as revenue_split_amount
    from measured
    where
        measured.new_customers != 0
        or measured.new_customers_split != 0
        or measured.orders != 0
        or measured.orders_split != 0
        or measured.sales_amount != 0
        or measured.sales_split_amount != 0
        or measured.revenue_amount != 0
        or measured.revenue_split_amount != 0
)

select * from final
