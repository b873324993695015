with final as (
    select
        fct_product_sales.month_date,
        fct_product_sales.executor_id,
        fct_product_sales.product_id,
        fct_product_sales.orders,
        fct_product_sales.returns,
        fct_product_sales.gross_sold_quantity,
        fct_product_sales.returned_quantity,
        fct_product_sales.sold_quantity,
        fct_product_sales.sales_amount,
        fct_product_sales.revenue_amount
    from {{ in_this_database(ref('fct_product_sales')) }} as fct_product_sales
    where {{ in_viewer_scope('fct_product_sales.executor_id', ['employee', 'product']) }}
)

select * from final
