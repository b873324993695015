with final as (
    select
        fct_order_lines.order_line_id,
        fct_order_lines.order_id,
        fct_order_lines.product_id,
        fct_order_lines.customer_id,
        fct_order_lines.executor_id,
        fct_order_lines.order_date,
        fct_order_lines.month_date,
        fct_order_lines.order_type,
        fct_order_lines.is_counted,
        fct_order_lines.is_unallocated,
        fct_order_lines.unit_price,
        fct_order_lines.sold_quantity,
        fct_order_lines.sales_amount,
        fct_order_lines.line_discount_amount,
        fct_order_lines.order_discount_amount,
        fct_order_lines.line_vat_amount,
        fct_order_lines.order_vat_amount,
        fct_order_lines.revenue_amount,
        fct_order_lines.ordered_quantity,
        fct_order_lines.ordered_amount,
        fct_order_lines.billed_amount
    from {{ in_this_database(ref('fct_order_lines')) }} as fct_order_lines
    where {{ in_viewer_scope('fct_order_lines.executor_id', ['employee', 'product']) }}
)

select * from final
