with final as (
    select
        fct_customer_industries.customer_id,
        fct_customer_industries.industry_id,
        fct_customer_industries.manager_id,
        fct_customer_industries.industry_count,
        fct_customer_industries.customers,
        fct_customer_industries.customers_split,
        fct_customer_industries.revenue_amount,
        fct_customer_industries.revenue_split_amount
    from {{ in_this_database(ref('fct_customer_industries')) }} as fct_customer_industries
    where {{ in_viewer_scope('fct_customer_industries.manager_id', ['employee', 'customer']) }}
)

select * from final
