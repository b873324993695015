{#- Built whole: its days move on every night, and no later table asks what changed in it. -#}
{{ config(materialized='table') }}

with customer_cycle as (
    select * from {{ ref('fct_customer_cycle') }}
),

members as (
    select * from {{ ref('fct_cycle_members') }}
),

windows as (
    select * from {{ ref('cycle_windows') }}
),

population as (
    select
        windows.window_days,
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id,
        customer_cycle.days_to_event,
        customer_cycle.is_converted,
        customer_cycle.has_negative_duration,
        coalesce(customer_cycle.days_to_event, customer_cycle.days_observed) as followed_days
    from windows
    inner join customer_cycle on {{ in_trailing_window('customer_cycle.created_date', 'windows.window_days') }}
    inner join members on customer_cycle.customer_id = members.customer_id
),

figures as (
    select
        population.window_days,
        population.result_type,
        population.result_id,
        population.breakdown,
        population.member_id,
        population.manager_id,
        count(*) as customers,
        sum(case when population.has_negative_duration then 1 else 0 end) as excluded_negative,
        sum(case when population.has_negative_duration then 0 else 1 end) as counted_customers,
        sum(case when population.is_converted then 1 else 0 end) as converted,
        sum(coalesce(population.days_to_event, 0)) as total_days,
        percentile_cont(0.5) within group (order by population.days_to_event) as median_days
    from population
    group by
        population.window_days,
        population.result_type,
        population.result_id,
        population.breakdown,
        population.member_id,
        population.manager_id
),

-- Kaplan-Meier: per day since creation, how many converted on it, and how many had been followed until it. Who has not
-- converted yet is followed up to as_of, that day included: a conversion on the same day is counted first.
conversions as (
    select
        population.window_days,
        population.result_type,
        population.result_id,
        population.breakdown,
        population.member_id,
        population.manager_id,
        population.followed_days,
        sum(case when population.is_converted then 1 else 0 end) as converted,
        count(*) as leaving
    from population
    where not population.has_negative_duration
    group by
        population.window_days,
        population.result_type,
        population.result_id,
        population.breakdown,
        population.member_id,
        population.manager_id,
        population.followed_days
),

at_risk as (
    select
        conversions.*,
        sum(conversions.leaving) over (
            partition by
                conversions.window_days,
                conversions.result_type,
                conversions.result_id,
                conversions.breakdown,
                conversions.member_id,
                conversions.manager_id
            order by conversions.followed_days desc
        ) as followed_customers
    from conversions
),

-- The share not yet converted is a product, written as a sum of logarithms. Where everybody still followed converts, it is 0.
survival as (
    select
        at_risk.*,
        sum(
            case
                when at_risk.converted < at_risk.followed_customers
                    then ln({{ ratio('at_risk.followed_customers - at_risk.converted', 'at_risk.followed_customers') }})
            end
        ) over (
            partition by
                at_risk.window_days,
                at_risk.result_type,
                at_risk.result_id,
                at_risk.breakdown,
                at_risk.member_id,
                at_risk.manager_id
            order by at_risk.followed_days
        ) as log_share
    from at_risk
),

-- A share of exactly one half must not be missed by a rounding of its logarithm.
survival_medians as (
    select
        survival.window_days,
        survival.result_type,
        survival.result_id,
        survival.breakdown,
        survival.member_id,
        survival.manager_id,
        min(survival.followed_days) as km_median_days
    from survival
    where
        survival.converted = survival.followed_customers
        or exp(survival.log_share) <= 0.5 + 1e-9
    group by
        survival.window_days,
        survival.result_type,
        survival.result_id,
        survival.breakdown,
        survival.member_id,
        survival.manager_id
),

final as (
    select
        cast(figures.window_days as integer) as window_days,
        cast(figures.result_type as varchar) as result_type,
        cast(figures.result_id as varchar) as result_id,
        cast(figures.breakdown as varchar) as breakdown,
        cast(figures.member_id as varchar) as member_id,
        cast(figures.manager_id as varchar) as manager_id,
        cast(figures.customers as bigint) as customers,
        cast(figures.excluded_negative as bigint) as excluded_negative,
        cast(figures.counted_customers as bigint) as counted_customers,
        cast(figures.converted as bigint) as converted,
        {{ ratio('figures.converted', 'figures.counted_customers') }} as conversion_rate,
        cast(figures.total_days as bigint) as total_days,
        {{ ratio('figures.total_days', 'figures.converted') }} as mean_days,
        cast(figures.median_days as double) as median_days,
        cast(survival_medians.km_median_days as bigint) as km_median_days
    from figures
    left join survival_medians
        on
            figures.window_days = survival_medians.window_days
            and figures.result_type = survival_medians.result_type
            and figures.result_id = survival_medians.result_id
            and figures.breakdown = survival_medians.breakdown
            and figures.member_id = survival_medians.member_id
            and figures.manager_id = survival_medians.manager_id
)

select * from final
