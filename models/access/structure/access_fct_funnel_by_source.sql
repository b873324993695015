with final as (
    select
        fct_funnel_by_source.month_date,
        fct_funnel_by_source.employee_id,
        fct_funnel_by_source.source_id,
        fct_funnel_by_source.new_customers,
        fct_funnel_by_source.new_customers_split,
        fct_funnel_by_source.orders,
        fct_funnel_by_source.orders_split,
        fct_funnel_by_source.sales_amount,
        fct_funnel_by_source.sales_split_amount,
        fct_funnel_by_source.revenue_amount,
        fct_funnel_by_source.revenue_split_amount
    from {{ in_this_database(ref('fct_funnel_by_source')) }} as fct_funnel_by_source
    where {{ in_viewer_scope('fct_funnel_by_source.employee_id', ['employee']) }}
)

select * from final
