{%- set touched -%}
select month_date from {{ changes('fct_order_lines') }}
union all
select month_date from {{ changes('fct_order_sources') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with order_lines as (
    select * from {{ ref('fct_order_lines') }}
    {{ in_scope('month_date') }}
),

order_sources as (
    select * from {{ ref('fct_order_sources') }}
    {{ in_scope('month_date') }}
),

-- One order may name a product on several lines.
order_products as (
    select
        order_lines.order_id,
        order_lines.product_id,
        sum(order_lines.sold_quantity) as sold_quantity,
        cast(sum(order_lines.sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(order_lines.revenue_amount) as decimal(18, 2)) as revenue_amount
    from order_lines
    where order_lines.is_counted
    group by
        order_lines.order_id,
        order_lines.product_id
),

-- Every counted order has a source, if only 'none'.
members as (
    select
        order_sources.month_date,
        order_sources.executor_id,
        order_products.product_id,
        order_sources.source_id,
        order_sources.source_count,
        order_sources.orders,
        order_sources.orders_split,
        order_products.sold_quantity,
        order_products.sales_amount,
        order_products.revenue_amount,
        row_number() over (
            partition by order_products.order_id, order_products.product_id order by order_sources.source_id
        ) as source_number
    from order_products
    inner join order_sources on order_products.order_id = order_sources.order_id
),

shares as (
    select
        members.month_date,
        members.executor_id,
        members.product_id,
        members.source_id,
        members.orders,
        members.orders_split,
        members.sold_quantity,
        members.sales_amount,
        {{ equal_part_amount('members.sales_amount', 'members.source_number', 'members.source_count') }} as sales_split_amount,
        members.revenue_amount,
        {{ equal_part_amount('members.revenue_amount', 'members.source_number', 'members.source_count') }} as revenue_split_amount
    from members
),

final as (
    select
        cast(shares.month_date as date) as month_date,
        cast(shares.executor_id as string) as executor_id,
        cast(shares.product_id as string) as product_id,
        cast(shares.source_id as string) as source_id,
        cast(sum(shares.orders) as bigint) as orders,
        cast(sum(shares.orders_split) as decimal(18, 6)) as orders_split,
        cast(sum(shares.sold_quantity) as decimal(18, 4)) as sold_quantity,
        cast(sum(shares.sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(shares.sales_split_amount) as decimal(18, 2)) as sales_split_amount,
        cast(sum(shares.revenue_amount) as decimal(18, 2)) as revenue_amount,
        cast(sum(shares.revenue_split_amount) as decimal(18, 2)) as revenue_split_amount
    from shares
    group by
        shares.month_date,
        shares.executor_id,
        shares.product_id,
        shares.source_id
)

select * from final
