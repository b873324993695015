with final as (
    select
        fct_customer_stages.customer_id,
        fct_customer_stages.manager_id,
        fct_customer_stages.relationship_id,
        fct_customer_stages.created_date,
        fct_customer_stages.entered_date,
        fct_customer_stages.days_in_stage,
        fct_customer_stages.stay_number
    from {{ in_this_database(ref('fct_customer_stages')) }} as fct_customer_stages
    where {{ in_viewer_scope('fct_customer_stages.manager_id', ['employee', 'customer']) }}
)

select * from final
