with final as (
    select
        kpi_campaign_owner.campaign_id,
        kpi_campaign_owner.owner_id,
        kpi_campaign_owner.opportunities,
        kpi_campaign_owner.opportunity_customers,
        kpi_campaign_owner.campaign_interactions
    from {{ in_this_database(ref('kpi_campaign_owner')) }} as kpi_campaign_owner
    where {{ in_viewer_scope('kpi_campaign_owner.owner_id', ['employee', 'campaign']) }}
)

select * from final
