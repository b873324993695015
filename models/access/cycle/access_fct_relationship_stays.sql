with final as (
    select
        fct_relationship_stays.customer_id,
        fct_relationship_stays.stay_number,
        fct_relationship_stays.relationship_id,
        fct_relationship_stays.manager_id,
        fct_relationship_stays.entered_at,
        fct_relationship_stays.entered_date,
        fct_relationship_stays.left_at,
        fct_relationship_stays.left_date,
        fct_relationship_stays.days_in_stage,
        fct_relationship_stays.is_open,
        fct_relationship_stays.has_moved_on,
        fct_relationship_stays.is_first_entry,
        fct_relationship_stays.is_first_stay
    from {{ in_this_database(ref('fct_relationship_stays')) }} as fct_relationship_stays
    where {{ in_viewer_scope('fct_relationship_stays.manager_id', ['employee', 'customer']) }}
)

select * from final
