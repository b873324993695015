with final as (
    select
        fct_campaign_interactions.campaign_id,
        fct_campaign_interactions.owner_id,
        fct_campaign_interactions.interaction_key,
        fct_campaign_interactions.customer_id,
        fct_campaign_interactions.interaction_type,
        fct_campaign_interactions.occurred_at,
        fct_campaign_interactions.occurred_date,
        fct_campaign_interactions.month_date,
        fct_campaign_interactions.open_opportunities,
        fct_campaign_interactions.campaign_interactions
    from {{ in_this_database(ref('fct_campaign_interactions')) }} as fct_campaign_interactions
    where {{ in_viewer_scope('fct_campaign_interactions.owner_id', ['employee', 'campaign']) }}
)

select * from final
