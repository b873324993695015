with opportunities as (
    select * from {{ ref('fct_opportunities') }}
),

totals as (
    select
        opportunities.month_date,
        opportunities.campaign_id,
        opportunities.owner_id,
        opportunities.approach_method,
        count(*) as opportunities,
        sum(case when opportunities.is_open then 1 else 0 end) as opportunities_open,
        sum(case when opportunities.is_won then 1 else 0 end) as opportunities_won,
        sum(case when opportunities.is_lost then 1 else 0 end) as opportunities_lost,
        sum(case when opportunities.is_won or opportunities.is_lost then 1 else 0 end) as opportunities_closed,
        sum(coalesce(opportunities.expected_amount, 0)) as expected_amount,
        sum(case when opportunities.is_won then coalesce(opportunities.expected_amount, 0) else 0 end) as won_amount
    from opportunities
    group by
        opportunities.month_date,
        opportunities.campaign_id,
        opportunities.owner_id,
        opportunities.approach_method
),

final as (
    select
        cast(totals.month_date as date) as month_date,
        cast(totals.campaign_id as string) as campaign_id,
        cast(totals.owner_id as string) as owner_id,
        cast(totals.approach_method as string) as approach_method,
        cast(totals.opportunities as bigint) as opportunities,
        cast(totals.opportunities_open as bigint) as opportunities_open,
        cast(totals.opportunities_won as bigint) as opportunities_won,
        cast(totals.opportunities_lost as bigint) as opportunities_lost,
        cast(totals.opportunities_closed as bigint) as opportunities_closed,
        cast(totals.expected_amount as decimal(18, 2)) as expected_amount,
        cast(totals.won_amount as decimal(18, 2)) as won_amount,
        {{ ratio('totals.opportunities_won', 'totals.opportunities_closed') }} as won_of_closed_rate,
        {{ ratio('totals.opportunities_won', 'totals.opportunities') }} as won_of_all_rate
    from totals
)

select * from final
