-- A campaign's owners have the opportunities of its months, the customers of their opportunities, and the interactions of the rows.
with months as (
    select
        campaign_id,
        owner_id,
        sum(opportunities) as opportunities
    from {{ ref('kpi_campaign_month') }}
    group by
        campaign_id,
        owner_id
),

pairs as (
    select
        campaign_id,
        owner_id,
        customer_id
    from {{ ref('fct_opportunities') }}
    where customer_id not in ('none', 'unknown')
    group by
        campaign_id,
        owner_id,
        customer_id
),

customers as (
    select
        campaign_id,
        owner_id,
        count(*) as opportunity_customers
    from pairs
    group by
        campaign_id,
        owner_id
),

contacts as (
    select
        campaign_id,
        owner_id,
        count(*) as campaign_interactions
    from {{ ref('fct_campaign_interactions') }}
    group by
        campaign_id,
        owner_id
),

expected as (
    select
        months.campaign_id,
        months.owner_id,
        months.opportunities,
        coalesce(customers.opportunity_customers, 0) as opportunity_customers,
        coalesce(contacts.campaign_interactions, 0) as campaign_interactions
    from months
    left join customers
        on
            months.campaign_id = customers.campaign_id
            and months.owner_id = customers.owner_id
    full outer join contacts
        on
            months.campaign_id = contacts.campaign_id
            and months.owner_id = contacts.owner_id
),

final as (
    select
        coalesce(expected.campaign_id, figures.campaign_id) as campaign_id,
        coalesce(expected.owner_id, figures.owner_id) as owner_id
    from expected
    full outer join {{ ref('kpi_campaign_owner') }} as figures
        on
            expected.campaign_id = figures.campaign_id
            and expected.owner_id = figures.owner_id
    where
        expected.campaign_id is null
        or figures.campaign_id is null
        or expected.opportunities != figures.opportunities
        or expected.opportunity_customers != figures.opportunity_customers
        or expected.campaign_interactions != figures.campaign_interactions
)

select * from final
