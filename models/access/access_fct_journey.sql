with final as (
    select
        fct_journey.as_of_date,
        fct_journey.manager_id,
        fct_journey.relationship_id,
        fct_journey.created_date,
        fct_journey.customers
    from {{ in_this_database(ref('fct_journey')) }} as fct_journey
    where {{ in_viewer_scope('fct_journey.manager_id', ['employee', 'customer']) }}
)

select * from final
