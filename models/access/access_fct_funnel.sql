with final as (
    select
        fct_funnel.month_date,
        fct_funnel.employee_id,
        fct_funnel.new_customers,
        fct_funnel.new_customers_current,
        fct_funnel.customers_assigned,
        fct_funnel.customers_in_charge,
        fct_funnel.customers_in_charge_current,
        fct_funnel.interactions,
        fct_funnel.activities,
        fct_funnel.orders,
        fct_funnel.returns,
        fct_funnel.pending_orders,
        fct_funnel.sales_amount,
        fct_funnel.revenue_amount,
        fct_funnel.collected_amount
    from {{ in_this_database(ref('fct_funnel')) }} as fct_funnel
    where {{ in_viewer_scope('fct_funnel.employee_id', ['employee']) }}
)

select * from final
