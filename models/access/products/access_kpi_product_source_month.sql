with final as (
    select
        kpi_product_source_month.month_date,
        kpi_product_source_month.executor_id,
        kpi_product_source_month.product_id,
        kpi_product_source_month.source_id,
        kpi_product_source_month.orders,
        kpi_product_source_month.orders_split,
        kpi_product_source_month.sold_quantity,
        kpi_product_source_month.sales_amount,
        kpi_product_source_month.sales_split_amount,
        kpi_product_source_month.revenue_amount,
        kpi_product_source_month.revenue_split_amount
    from {{ in_this_database(ref('kpi_product_source_month')) }} as kpi_product_source_month
    where {{ in_viewer_scope('kpi_product_source_month.executor_id', ['employee', 'product']) }}
)

select * from final
