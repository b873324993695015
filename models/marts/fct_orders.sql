{%- set touched -%}
select order_id from {{ changes('core_orders') }}
union all
select order_id from {{ changes('core_order_lines') }}
union all
select order_id from {{ changes('fct_payments') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'order_id', 'touched': touched}}) }}

with orders as (
    select * from {{ ref('core_orders') }}
    {{ in_scope('order_id') }}
),

order_lines as (
    select * from {{ ref('core_order_lines') }}
    {{ in_scope('order_id') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
    {{ in_scope('order_id') }}
),

order_amounts as (
    select
        order_lines.order_id,
        sum(case when order_lines.is_unallocated then 0 else 1 end) as lines,
        sum(order_lines.ordered_amount) as ordered_amount,
        sum(order_lines.line_discount_amount + order_lines.order_discount_amount) as discount_amount,
        sum(order_lines.line_vat_amount + order_lines.order_vat_amount) as vat_amount,
        sum(order_lines.billed_amount) as billed_amount
    from order_lines
    where not order_lines.is_deleted
    group by order_lines.order_id
),

order_collections as (
    select
        payments.order_id,
        sum(payments.collected_amount) as collected_amount
    from payments
    group by payments.order_id
),

signed as (
    select
        orders.order_id,
        orders.order_code,
        orders.customer_id,
        orders.executor_id,
        orders.creator_id,
        orders.order_type,
        orders.status,
        orders.order_date,
        orders.month_date,
        orders.created_at,
        orders.is_counted,
        orders.is_pending,
        coalesce(order_amounts.lines, 0) as lines,
        orders.sign * coalesce(order_amounts.ordered_amount, 0) as ordered_amount,
        orders.sign * coalesce(order_amounts.discount_amount, 0) as discount_amount,
        orders.sign * coalesce(order_amounts.vat_amount, 0) as vat_amount,
        orders.sign * coalesce(order_amounts.billed_amount, 0) as billed_amount,
        coalesce(order_collections.collected_amount, 0) as collected_amount
    from orders
    left join order_amounts on orders.order_id = order_amounts.order_id
    left join order_collections on orders.order_id = order_collections.order_id
    where not orders.is_deleted
),

final as (
    select
        cast(signed.order_id as string) as order_id,
        cast(signed.order_code as string) as order_code,
        cast(signed.customer_id as string) as customer_id,
        cast(signed.executor_id as string) as executor_id,
        cast(signed.creator_id as string) as creator_id,
        cast(signed.order_type as string) as order_type,
        cast(signed.status as string) as status,
        cast(signed.order_date as date) as order_date,
        cast(signed.month_date as date) as month_date,
        cast(signed.created_at as timestamp) as created_at,
        cast(signed.is_counted as boolean) as is_counted,
        cast(signed.is_pending as boolean) as is_pending,
        cast(signed.lines as bigint) as lines,
        cast(case when signed.is_counted and signed.order_type = 'sale' then 1 else 0 end as bigint) as orders,
        cast(case when signed.is_counted and signed.order_type = 'return' then 1 else 0 end as bigint) as returns,
        cast(case when signed.is_pending and signed.order_type = 'sale' then 1 else 0 end as bigint) as pending_orders,
        cast(case when signed.is_counted then signed.ordered_amount else 0 end as decimal(18, 2)) as sales_amount,
        cast(case when signed.is_counted then signed.billed_amount else 0 end as decimal(18, 2)) as revenue_amount,
        cast(case when signed.is_pending then signed.billed_amount else 0 end as decimal(18, 2))
            as pending_revenue_amount,
        cast(signed.ordered_amount as decimal(18, 2)) as ordered_amount,
        cast(signed.discount_amount as decimal(18, 2)) as discount_amount,
        cast(signed.vat_amount as decimal(18, 2)) as vat_amount,
        cast(signed.billed_amount as decimal(18, 2)) as billed_amount,
        cast(signed.collected_amount as decimal(18, 2)) as collected_amount
    from signed
)

select * from final
