with final as (
    select
        fct_order_sources.order_id,
        fct_order_sources.source_id,
        fct_order_sources.customer_id,
        fct_order_sources.executor_id,
        fct_order_sources.order_date,
        fct_order_sources.month_date,
        fct_order_sources.source_count,
        fct_order_sources.orders,
        fct_order_sources.orders_split,
        fct_order_sources.sales_amount,
        fct_order_sources.sales_split_amount,
        fct_order_sources.revenue_amount,
        fct_order_sources.revenue_split_amount
    from {{ in_this_database(ref('fct_order_sources')) }} as fct_order_sources
    where {{ in_viewer_scope('fct_order_sources.executor_id', ['employee', 'product']) }}
)

select * from final
