with final as (
    select
        fct_card_interactions.card_key,
        fct_card_interactions.customer_id,
        fct_card_interactions.employee_id,
        fct_card_interactions.event_type,
        fct_card_interactions.outcome,
        fct_card_interactions.occurred_at,
        fct_card_interactions.occurred_date,
        fct_card_interactions.month_date,
        fct_card_interactions.is_deleted,
        fct_card_interactions.interactions,
        fct_card_interactions.card_interactions
    from {{ in_this_database(ref('fct_card_interactions')) }} as fct_card_interactions
    where {{ in_viewer_scope('fct_card_interactions.employee_id', ['employee']) }}
)

select * from final
