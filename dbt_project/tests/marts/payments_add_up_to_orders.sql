-- Money collected by payment, less that of payments without a live order, is the money collected by order.
with orders as (
    select
        order_id,
        collected_amount
    from {{ ref('fct_orders') }}
),

payments as (
    select
        payments.order_id,
        sum(payments.collected_amount) as collected_amount
    from {{ ref('fct_payments') }} as payments
    where payments.order_id in (select orders.order_id from orders)
    group by payments.order_id
),

final as (
    select
        orders.order_id,
        orders.collected_amount as order_collected_amount,
        payments.collected_amount as payments_collected_amount
    from orders
    left join payments on orders.order_id = payments.order_id
    where orders.collected_amount != coalesce(payments.collected_amount, 0)
)

select * from final
