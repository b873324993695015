with final as (
    select
        kpi_product_top.period_type,
        kpi_product_top.period_date,
        kpi_product_top.executor_id,
        kpi_product_top.sort_order,
        kpi_product_top.row_type,
        kpi_product_top.product_id,
        kpi_product_top.product_name,
        kpi_product_top.products,
        kpi_product_top.sold_quantity,
        kpi_product_top.revenue_amount,
        kpi_product_top.period_revenue_amount,
        kpi_product_top.revenue_share_rate
    from {{ in_this_database(ref('kpi_product_top')) }} as kpi_product_top
    where {{ in_viewer_scope('kpi_product_top.executor_id', ['employee', 'product']) }}
)

select * from final
