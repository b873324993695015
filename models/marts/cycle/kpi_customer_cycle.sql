{#- Built whole: its days move on every night, and no later table asks what changed in it. -#}
{{ config(materialized='table') }}

with windows as (
    select * from {{ ref('cycle_windows') }}
),

-- Whoever was created before the longest window is in none.
customer_cycle as (
    select * from {{ ref('fct_customer_cycle') }}
    where {{ in_trailing_window('created_date', '(select max(windows.window_days) from windows)') }}
),

members as (
    select * from {{ ref('fct_cycle_members') }}
),

-- A number stands for the five columns that a figure has besides its window: the steps below group millions of rows by it.
followed as (
    select
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id,
        customer_cycle.created_date,
        customer_cycle.days_to_event,
        customer_cycle.is_converted,
        customer_cycle.has_negative_duration,
        coalesce(customer_cycle.days_to_event, customer_cycle.days_observed) as followed_days,
        dense_rank() over (
            order by
                customer_cycle.result_type,
                customer_cycle.result_id,
                members.breakdown,
                members.member_id,
                customer_cycle.manager_id
        ) as group_number
    from customer_cycle
    inner join members on customer_cycle.customer_id = members.customer_id
),

numbered_groups as (
    select distinct
        followed.group_number,
        followed.result_type,
        followed.result_id,
        followed.breakdown,
        followed.member_id,
        followed.manager_id
    from followed
),

population as (
    select
        windows.window_days,
        followed.group_number,
        followed.days_to_event,
        followed.is_converted,
        followed.has_negative_duration,
        followed.followed_days
    from windows
    inner join followed on {{ in_trailing_window('followed.created_date', 'windows.window_days') }}
),

figures as (
    select
        population.window_days,
        population.group_number,
        count(*) as customers,
        sum(case when population.has_negative_duration then 1 else 0 end) as excluded_negative,
        sum(case when population.has_negative_duration then 0 else 1 end) as counted_customers,
        sum(case when population.is_converted then 1 else 0 end) as converted,
        sum(coalesce(population.days_to_event, 0)) as total_days,
        percentile_cont(0.5) within group (order by population.days_to_event) as median_days
    from population
    group by
        population.window_days,
        population.group_number
),

-- Where nobody converted there is no median to look for.
with_conversions as (
    select
        figures.window_days,
        figures.group_number
    from figures
    where figures.converted > 0
),

-- Kaplan-Meier: per day since creation, how many converted on it, and how many had been followed until it. Who has not
-- converted yet is followed up to as_of, that day included: a conversion on the same day is counted first.
conversions as (
    select
        population.window_days,
        population.group_number,
        population.followed_days,
        sum(case when population.is_converted then 1 else 0 end) as converted,
        count(*) as leaving
    from population
    inner join with_conversions
        on
            population.window_days = with_conversions.window_days
            and population.group_number = with_conversions.group_number
    where not population.has_negative_duration
    group by
        population.window_days,
        population.group_number,
        population.followed_days
),

at_risk as (
    select
        conversions.*,
        sum(conversions.leaving) over (
            partition by
                conversions.window_days,
                conversions.group_number
            order by conversions.followed_days desc
        ) as followed_customers
    from conversions
),

-- The share not yet converted is a product, written as a sum of logarithms; it changes on days of conversions only. Where everybody
-- still followed converts, it is 0.
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
                at_risk.group_number
            order by at_risk.followed_days
        ) as log_share
    from at_risk
    where at_risk.converted > 0
),

-- A share of exactly one half must not be missed by a rounding of its logarithm.
survival_medians as (
    select
        survival.window_days,
        survival.group_number,
        min(survival.followed_days) as km_median_days
    from survival
    where
        survival.converted = survival.followed_customers
        or exp(survival.log_share) <= 0.5 + 1e-9
    group by
        survival.window_days,
        survival.group_number
),

final as (
    select
        cast(figures.window_days as integer) as window_days,
        cast(numbered_groups.result_type as varchar) as result_type,
        cast(numbered_groups.result_id as varchar) as result_id,
        cast(numbered_groups.breakdown as varchar) as breakdown,
        cast(numbered_groups.member_id as varchar) as member_id,
        cast(numbered_groups.manager_id as varchar) as manager_id,
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
    inner join numbered_groups on figures.group_number = numbered_groups.group_number
    left join survival_medians
        on
            figures.window_days = survival_medians.window_days
            and figures.group_number = survival_medians.group_number
)

select * from final
