{%- set touched -%}
select order_id from {{ changes('fct_orders') }}
union all
select order_id from marts.fct_orders where customer_id in (select customer_id from {{ changes('core_bridge_customers_sources') }})
{%- endset -%}
{%- set touched_customers -%}
select customer_id from marts.fct_orders where order_id in ({{ touched_keys() }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'order_id', 'touched': touched}}) }}

with orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('order_id') }}
),

bridge as (
    select * from {{ ref('core_bridge_customers_sources') }}
    {{ in_scope('customer_id', touched_customers) }}
),

-- An order of nobody known has that for its source too.
order_members as (
    select
        orders.order_id,
        orders.customer_id,
        orders.executor_id,
        orders.order_date,
        orders.month_date,
        orders.orders,
        orders.sales_amount,
        orders.revenue_amount,
        coalesce(bridge.source_id, orders.customer_id) as source_id,
        coalesce(bridge.member_count, 1) as source_count,
        row_number() over (partition by orders.order_id order by bridge.source_id) as source_number
    from orders
    left join bridge on orders.customer_id = bridge.customer_id
    where orders.is_counted
),

final as (
    select
        cast(order_members.order_id as string) as order_id,
        cast(order_members.source_id as string) as source_id,
        cast(order_members.customer_id as string) as customer_id,
        cast(order_members.executor_id as string) as executor_id,
        cast(order_members.order_date as date) as order_date,
        cast(order_members.month_date as date) as month_date,
        cast(order_members.source_count as bigint) as source_count,
        cast(order_members.orders as bigint) as orders,
        cast(order_members.orders * {{ equal_part('order_members.source_number', 'order_members.source_count') }} as decimal(18, 6))
            as orders_split,
        cast(order_members.sales_amount as decimal(18, 2)) as sales_amount,
        {{ equal_part_amount('order_members.sales_amount', 'order_members.source_number', 'order_members.source_count') }}
            as sales_split_amount,
        cast(order_members.revenue_amount as decimal(18, 2)) as revenue_amount,
        {{ equal_part_amount('order_members.revenue_amount', 'order_members.source_number', 'order_members.source_count') }}
            as revenue_split_amount
    from order_members
)

select * from final
