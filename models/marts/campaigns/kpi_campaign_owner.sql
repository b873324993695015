with opportunities as (
    select * from {{ ref('fct_opportunities') }}
),

campaign_interactions as (
    select * from {{ ref('fct_campaign_interactions') }}
),

totals as (
    select
        opportunities.campaign_id,
        opportunities.owner_id,
        count(*) as opportunities,
        count(distinct case when opportunities.customer_id not in ('none', 'unknown') then opportunities.customer_id end)
            as opportunity_customers
    from opportunities
    group by
        opportunities.campaign_id,
        opportunities.owner_id
),

contacts as (
    select
        campaign_interactions.campaign_id,
        campaign_interactions.owner_id,
        sum(campaign_interactions.campaign_interactions) as campaign_interactions
    from campaign_interactions
    group by
        campaign_interactions.campaign_id,
        campaign_interactions.owner_id
),

final as (
    select
        cast(totals.campaign_id as string) as campaign_id,
        cast(totals.owner_id as string) as owner_id,
        cast(totals.opportunities as bigint) as opportunities,
        cast(totals.opportunity_customers as bigint) as opportunity_customers,
        cast(coalesce(contacts.campaign_interactions, 0) as bigint) as campaign_interactions
    from totals
    left join contacts
        on
            totals.campaign_id = contacts.campaign_id
            and totals.owner_id = contacts.owner_id
)

select * from final
