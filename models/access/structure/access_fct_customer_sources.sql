with final as (
    select
        fct_customer_sources.customer_id,
        fct_customer_sources.source_id,
        fct_customer_sources.manager_id,
        fct_customer_sources.source_count,
        fct_customer_sources.customers,
        fct_customer_sources.customers_split,
        fct_customer_sources.revenue_amount,
        fct_customer_sources.revenue_split_amount
    from {{ in_this_database(ref('fct_customer_sources')) }} as fct_customer_sources
    where {{ in_viewer_scope('fct_customer_sources.manager_id', ['employee', 'customer']) }}
)

select * from final
