-- Lines add up to their order to the cent: order-level discount and VAT are allocated without a remainder.
{% set read = [ref('fct_order_lines'), ref('fct_orders'), ref('core_orders')] %}

with order_lines as (
    select
        order_id,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(ordered_amount) as ordered_amount,
        sum(line_discount_amount + order_discount_amount) as discount_amount,
        sum(line_vat_amount + order_vat_amount) as vat_amount,
        sum(billed_amount) as billed_amount
    from {{ rows_of_changed(ref('fct_order_lines'), 'order_id', read) }}
    where order_id != 'unknown'
    group by order_id
),

orders as (
    select
        fct_orders.order_id,
        fct_orders.sales_amount,
        fct_orders.revenue_amount,
        fct_orders.ordered_amount,
        fct_orders.discount_amount,
        fct_orders.vat_amount,
        fct_orders.billed_amount,
        core_orders.sign * core_orders.discount_amount as order_discount_amount,
        core_orders.sign * core_orders.vat_amount as order_vat_amount
    from {{ rows_of_changed(ref('fct_orders'), 'order_id', read) }} as fct_orders
    inner join {{ ref('core_orders') }} as core_orders on fct_orders.order_id = core_orders.order_id
),

order_level as (
    select
        order_id,
        sum(order_discount_amount) as order_discount_amount,
        sum(order_vat_amount) as order_vat_amount
    from {{ rows_of_changed(ref('fct_order_lines'), 'order_id', read) }}
    group by order_id
),

final as (
    select
        coalesce(orders.order_id, order_lines.order_id) as order_id,
        orders.billed_amount as order_billed_amount,
        order_lines.billed_amount as lines_billed_amount
    from orders
    full outer join order_lines on orders.order_id = order_lines.order_id
    left join order_level on orders.order_id = order_level.order_id
    where
        orders.order_id is null
        or coalesce(orders.sales_amount, 0) != coalesce(order_lines.sales_amount, 0)
        or coalesce(orders.revenue_amount, 0) != coalesce(order_lines.revenue_amount, 0)
        or coalesce(orders.ordered_amount, 0) != coalesce(order_lines.ordered_amount, 0)
        or coalesce(orders.discount_amount, 0) != coalesce(order_lines.discount_amount, 0)
        or coalesce(orders.vat_amount, 0) != coalesce(order_lines.vat_amount, 0)
        or coalesce(orders.billed_amount, 0) != coalesce(order_lines.billed_amount, 0)
        or orders.billed_amount != orders.ordered_amount - orders.discount_amount + orders.vat_amount
        or orders.order_discount_amount != coalesce(order_level.order_discount_amount, 0)
        or orders.order_vat_amount != coalesce(order_level.order_vat_amount, 0)
)

select * from final
