{%- set touched -%}
select month_date from {{ changes('fct_order_lines') }}
union all
select month_date from {{ changes('fct_orders') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with order_lines as (
    select * from {{ ref('fct_order_lines') }}
    {{ in_scope('month_date') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('month_date') }}
),

-- One order may name a product on several lines.
order_products as (
    select
        order_lines.month_date,
        order_lines.executor_id,
        order_lines.product_id,
        order_lines.order_id,
        sum(order_lines.sold_quantity) as sold_quantity,
        sum(order_lines.sales_amount) as sales_amount,
        sum(order_lines.revenue_amount) as revenue_amount
    from order_lines
    where order_lines.is_counted
    group by
        order_lines.month_date,
        order_lines.executor_id,
        order_lines.product_id,
        order_lines.order_id
),

final as (
    select
        cast(order_products.month_date as date) as month_date,
        cast(order_products.executor_id as string) as executor_id,
        cast(order_products.product_id as string) as product_id,
        cast(sum(orders.orders) as bigint) as orders,
        cast(sum(orders.returns) as bigint) as returns,
        cast(sum(case when orders.returns = 1 then 0 else order_products.sold_quantity end) as decimal(18, 4)) as gross_sold_quantity,
        cast(sum(case when orders.returns = 1 then -order_products.sold_quantity else 0 end) as decimal(18, 4)) as returned_quantity,
        cast(sum(order_products.sold_quantity) as decimal(18, 4)) as sold_quantity,
        cast(sum(order_products.sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(order_products.revenue_amount) as decimal(18, 2)) as revenue_amount
    from order_products
    inner join orders on order_products.order_id = orders.order_id
    group by
        order_products.month_date,
        order_products.executor_id,
        order_products.product_id
)

select * from final
