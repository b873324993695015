-- The shares of an order's discount and VAT add up to the order, to the cent, deleted orders included.
{% set read = [ref('core_orders'), ref('core_order_lines')] %}

with orders as (
    select
        order_id,
        coalesce(discount_amount, 0) as discount_amount,
        coalesce(vat_amount, 0) as vat_amount
    from {{ rows_of_changed(ref('core_orders'), 'order_id', read) }}
),

shares as (
    select
        order_id,
        sum(order_discount_amount) as discount_amount,
        sum(order_vat_amount) as vat_amount
    from {{ rows_of_changed(ref('core_order_lines'), 'order_id', read) }}
    group by order_id
)

select
    orders.order_id,
    orders.discount_amount,
    shares.discount_amount as shared_discount_amount,
    orders.vat_amount,
    shares.vat_amount as shared_vat_amount
from orders
left join shares on orders.order_id = shares.order_id
where
    orders.discount_amount <> coalesce(shares.discount_amount, 0)
    or orders.vat_amount <> coalesce(shares.vat_amount, 0)
