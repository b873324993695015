with final as (
    select
        fct_new_customer_sources.customer_id,
        fct_new_customer_sources.source_id,
        fct_new_customer_sources.employee_id,
        fct_new_customer_sources.created_date,
        fct_new_customer_sources.month_date,
        fct_new_customer_sources.is_deleted,
        fct_new_customer_sources.source_count,
        fct_new_customer_sources.new_customers,
        fct_new_customer_sources.new_customers_split
    from {{ in_this_database(ref('fct_new_customer_sources')) }} as fct_new_customer_sources
    where {{ in_viewer_scope('fct_new_customer_sources.employee_id', ['employee']) }}
)

select * from final
