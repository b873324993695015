with final as (
    select
        kpi_product_period.period_type,
        kpi_product_period.period_date,
        kpi_product_period.executor_id,
        kpi_product_period.product_id,
        kpi_product_period.is_complete,
        kpi_product_period.orders,
        kpi_product_period.returns,
        kpi_product_period.gross_sold_quantity,
        kpi_product_period.returned_quantity,
        kpi_product_period.return_rate,
        kpi_product_period.sold_quantity,
        kpi_product_period.sales_amount,
        kpi_product_period.revenue_amount,
        kpi_product_period.previous_orders,
        kpi_product_period.previous_sold_quantity,
        kpi_product_period.previous_sales_amount,
        kpi_product_period.previous_revenue_amount,
        kpi_product_period.revenue_change_amount,
        kpi_product_period.revenue_change_rate
    from {{ in_this_database(ref('kpi_product_period')) }} as kpi_product_period
    where {{ in_viewer_scope('kpi_product_period.executor_id', ['employee', 'product']) }}
)

select * from final
