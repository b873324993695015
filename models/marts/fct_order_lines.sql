{%- set touched -%}
select order_id from {{ changes('core_orders') }}
union all
select order_id from {{ changes('core_order_lines') }}
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

-- A line whose order is not known belongs to nobody and counts nowhere, but it is not lost.
signed as (
    select
        order_lines.order_line_id,
        order_lines.order_id,
        order_lines.product_id,
        order_lines.is_unallocated,
        order_lines.unit_price,
        orders.order_date,
        orders.month_date,
        orders.order_type,
        coalesce(orders.customer_id, 'unknown') as customer_id,
        coalesce(orders.executor_id, 'unknown') as executor_id,
        coalesce(orders.is_counted, false) as is_counted,
        coalesce(orders.sign, 1) * order_lines.quantity as ordered_quantity,
        coalesce(orders.sign, 1) * order_lines.ordered_amount as ordered_amount,
        coalesce(orders.sign, 1) * order_lines.line_discount_amount as line_discount_amount,
        coalesce(orders.sign, 1) * order_lines.order_discount_amount as order_discount_amount,
        coalesce(orders.sign, 1) * order_lines.line_vat_amount as line_vat_amount,
        coalesce(orders.sign, 1) * order_lines.order_vat_amount as order_vat_amount,
        coalesce(orders.sign, 1) * order_lines.billed_amount as billed_amount
    from order_lines
    left join orders on order_lines.order_id = orders.order_id
    where
        not order_lines.is_deleted
        and not coalesce(orders.is_deleted, false)
),

final as (
    select
        cast(signed.order_line_id as string) as order_line_id,
        cast(signed.order_id as string) as order_id,
        cast(signed.product_id as string) as product_id,
        cast(signed.customer_id as string) as customer_id,
        cast(signed.executor_id as string) as executor_id,
        cast(signed.order_date as date) as order_date,
        cast(signed.month_date as date) as month_date,
        cast(signed.order_type as string) as order_type,
        cast(signed.is_counted as boolean) as is_counted,
        cast(signed.is_unallocated as boolean) as is_unallocated,
        cast(signed.unit_price as decimal(18, 2)) as unit_price,
        cast(case when signed.is_counted then signed.ordered_quantity else 0 end as decimal(18, 4)) as sold_quantity,
        cast(case when signed.is_counted then signed.ordered_amount else 0 end as decimal(18, 2)) as sales_amount,
        cast(signed.line_discount_amount as decimal(18, 2)) as line_discount_amount,
        cast(signed.order_discount_amount as decimal(18, 2)) as order_discount_amount,
        cast(signed.line_vat_amount as decimal(18, 2)) as line_vat_amount,
        cast(signed.order_vat_amount as decimal(18, 2)) as order_vat_amount,
        cast(case when signed.is_counted then signed.billed_amount else 0 end as decimal(18, 2)) as revenue_amount,
        cast(signed.ordered_quantity as decimal(18, 4)) as ordered_quantity,
        cast(signed.ordered_amount as decimal(18, 2)) as ordered_amount,
        cast(signed.billed_amount as decimal(18, 2)) as billed_amount
    from signed
)

select * from final
