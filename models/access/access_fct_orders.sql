with final as (
    select
        fct_orders.order_id,
        fct_orders.order_code,
        fct_orders.customer_id,
        fct_orders.executor_id,
        fct_orders.creator_id,
        fct_orders.order_type,
        fct_orders.status,
        fct_orders.order_date,
        fct_orders.month_date,
        fct_orders.created_at,
        fct_orders.is_counted,
        fct_orders.is_pending,
        fct_orders.lines,
        fct_orders.orders,
        fct_orders.returns,
        fct_orders.pending_orders,
        fct_orders.sales_amount,
        fct_orders.revenue_amount,
        fct_orders.pending_revenue_amount,
        fct_orders.ordered_amount,
        fct_orders.discount_amount,
        fct_orders.vat_amount,
        fct_orders.billed_amount,
        fct_orders.collected_amount
    from {{ in_this_database(ref('fct_orders')) }} as fct_orders
    where {{ in_viewer_scope('fct_orders.executor_id', ['employee', 'product']) }}
)

select * from final
