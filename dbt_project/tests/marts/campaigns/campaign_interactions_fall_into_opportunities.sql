-- Each row is a counted interaction of the owner while as many opportunities were open as it says, and no such interaction is left out.
{% set customers = {
    'column': 'customer_id',
    'read': [ref('fct_interactions'), ref('dim_customers'), ref('fct_opportunities'), ref('fct_campaign_interactions')],
    'whole_with': [ref('dim_employees')],
    'more': 'select customer_id from ' ~ ref('fct_interactions') ~ ' where ' ~ became_past('occurred_at'),
} %}

with expected as (
    select
        opportunities.campaign_id,
        interactions.employee_id as owner_id,
        interactions.interaction_key,
        count(distinct opportunities.opportunity_id) as open_opportunities
    from {{ rows_of_changed(ref('fct_interactions'), **customers) }} as interactions
    inner join {{ ref('dim_customers') }} as customers on interactions.customer_id = customers.customer_id
    inner join {{ ref('dim_employees') }} as employees on interactions.employee_id = employees.employee_id
    inner join {{ ref('fct_opportunities') }} as opportunities
        on
            interactions.employee_id = opportunities.owner_id
            and interactions.customer_id = opportunities.customer_id
    where
        interactions.is_counted
        and not customers.is_placeholder
        and not employees.is_placeholder
        and interactions.occurred_at < {{ as_of_end() }}
        and interactions.occurred_at >= opportunities.created_at
        and (opportunities.closed_at is null or interactions.occurred_at < opportunities.closed_at)
    group by
        opportunities.campaign_id,
        interactions.employee_id,
        interactions.interaction_key
),

final as (
    select
        coalesce(expected.campaign_id, found.campaign_id) as campaign_id,
        coalesce(expected.owner_id, found.owner_id) as owner_id,
        coalesce(expected.interaction_key, found.interaction_key) as interaction_key,
        expected.open_opportunities as expected_opportunities,
        found.open_opportunities as found_opportunities
    from expected
    full outer join {{ rows_of_changed(ref('fct_campaign_interactions'), **customers) }} as found
        on
            expected.campaign_id = found.campaign_id
            and expected.owner_id = found.owner_id
            and expected.interaction_key = found.interaction_key
    where
        expected.campaign_id is null
        or found.campaign_id is null
        or expected.open_opportunities != found.open_opportunities
)

select * from final
