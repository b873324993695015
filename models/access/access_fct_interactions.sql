with final as (
    select
        fct_interactions.interaction_key,
        fct_interactions.interaction_id,
        fct_interactions.customer_id,
        fct_interactions.employee_id,
        fct_interactions.interaction_type,
        fct_interactions.direction,
        fct_interactions.outcome,
        fct_interactions.occurred_at,
        fct_interactions.occurred_date,
        fct_interactions.month_date,
        fct_interactions.duration_seconds,
        fct_interactions.interactions,
        fct_interactions.is_counted,
        fct_interactions.is_contact
    from {{ in_this_database(ref('fct_interactions')) }} as fct_interactions
    where {{ in_viewer_scope('fct_interactions.employee_id', ['employee']) }}
)

select * from final
