-- Every figure of a campaign's month is that of the opportunities behind it, also where the month is not known.
with details as (
    select
        month_date,
        campaign_id,
        owner_id,
        approach_method,
        count(*) as opportunities,
        count(case when status = 'open' then 1 end) as opportunities_open,
        count(case when status = 'won' then 1 end) as opportunities_won,
        count(case when status = 'lost' then 1 end) as opportunities_lost,
        coalesce(sum(expected_amount), 0) as expected_amount,
        coalesce(sum(case when status = 'won' then expected_amount end), 0) as won_amount
    from {{ ref('fct_opportunities') }}
    group by
        month_date,
        campaign_id,
        owner_id,
        approach_method
),

final as (
    select
        coalesce(details.month_date, figures.month_date) as month_date,
        coalesce(details.campaign_id, figures.campaign_id) as campaign_id,
        coalesce(details.owner_id, figures.owner_id) as owner_id,
        coalesce(details.approach_method, figures.approach_method) as approach_method
    from details
    full outer join {{ ref('kpi_campaign_month') }} as figures
        on
            coalesce(details.month_date, cast('1900-01-01' as date)) = coalesce(figures.month_date, cast('1900-01-01' as date))
            and details.campaign_id = figures.campaign_id
            and details.owner_id = figures.owner_id
            and details.approach_method = figures.approach_method
    where
        details.campaign_id is null
        or figures.campaign_id is null
        or details.opportunities != figures.opportunities
        or details.opportunities_open != figures.opportunities_open
        or details.opportunities_won != figures.opportunities_won
        or details.opportunities_lost != figures.opportunities_lost
        or details.expected_amount != figures.expected_amount
        or details.won_amount != figures.won_amount
)

select * from final
