{%- set touched -%}
select customer_id from {{ changes('fct_opportunities') }}
union all
select customer_id from {{ changes('fct_interactions') }}
union all
select customer_id from marts.fct_interactions where {{ became_past('occurred_at') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with opportunities as (
    select * from {{ ref('fct_opportunities') }}
    {{ in_scope('customer_id') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
    where
        interactions = 1
        {{ in_scope('customer_id', prefix='and') }}
),

-- Nobody and somebody unknown are not one person, and unknown customers are not one customer: they have no interactions of an opportunity.
-- What the CRM says of a time after as_of has not happened yet.
windows as (
    select
        opportunities.campaign_id,
        opportunities.owner_id,
        opportunities.customer_id,
        opportunities.created_at,
        least(coalesce(opportunities.closed_at, {{ as_of_end() }}), {{ as_of_end() }}) as until_at
    from opportunities
    where
        opportunities.owner_id not in ('none', 'unknown')
        and opportunities.customer_id not in ('none', 'unknown')
        and opportunities.created_at is not null
),

-- A customer may have several opportunities in one campaign: the interaction is one row and says into how many it fell.
matches as (
    select
        windows.campaign_id,
        windows.owner_id,
        interactions.interaction_key,
        interactions.customer_id,
        interactions.interaction_type,
        interactions.occurred_at,
        interactions.occurred_date,
        interactions.month_date,
        count(*) as open_opportunities
    from windows
    inner join interactions
        on
            windows.owner_id = interactions.employee_id
            and windows.customer_id = interactions.customer_id
            and windows.created_at <= interactions.occurred_at
            and windows.until_at > interactions.occurred_at
    group by
        windows.campaign_id,
        windows.owner_id,
        interactions.interaction_key,
        interactions.customer_id,
        interactions.interaction_type,
        interactions.occurred_at,
        interactions.occurred_date,
        interactions.month_date
),

final as (
    select
        cast(matches.campaign_id as string) as campaign_id,
        cast(matches.owner_id as string) as owner_id,
        cast(matches.interaction_key as string) as interaction_key,
        cast(matches.customer_id as string) as customer_id,
        cast(matches.interaction_type as string) as interaction_type,
        cast(matches.occurred_at as timestamp) as occurred_at,
        cast(matches.occurred_date as date) as occurred_date,
        cast(matches.month_date as date) as month_date,
        cast(matches.open_opportunities as bigint) as open_opportunities,
        cast(1 as bigint) as campaign_interactions
    from matches
)

select * from final
