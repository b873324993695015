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

created_days as (
    select distinct customer_cycle.created_date
    from customer_cycle
),

-- A window lies within every longer one: a customer is looked at once, in the narrowest that has it.
narrowest as (
    select
        created_days.created_date,
        min(windows.window_days) as narrowest_days
    from created_days
    inner join windows on {{ in_trailing_window('created_days.created_date', 'windows.window_days') }}
    group by created_days.created_date
),

results as (
    select distinct
        customer_cycle.result_type,
        customer_cycle.result_id
    from customer_cycle
),

customers as (
    select distinct
        customer_cycle.customer_id,
        customer_cycle.manager_id
    from customer_cycle
),

-- Numbers stand for the five columns that a figure has besides its window: the steps below group millions of rows by them.
numbered_results as (
    select
        results.result_type,
        results.result_id,
        cast(row_number() over (order by results.result_type, results.result_id) as integer) as result_number
    from results
),

numbered_members as (
    select
        customers.customer_id,
        members.breakdown,
        members.member_id,
        customers.manager_id,
        cast(
            dense_rank() over (order by members.breakdown, members.member_id, customers.manager_id) as integer
        ) as member_number
    from customers
    inner join members on customers.customer_id = members.customer_id
),

numbered_groups as (
    select distinct
        numbered_members.member_number,
        numbered_members.breakdown,
        numbered_members.member_id,
        numbered_members.manager_id
    from numbered_members
),

followed as (
    select
        numbered_results.result_number,
        numbered_members.member_number,
        narrowest.narrowest_days,
        customer_cycle.is_converted,
        customer_cycle.has_negative_duration,
        coalesce(customer_cycle.days_to_event, customer_cycle.days_observed) as followed_days
    from customer_cycle
    inner join narrowest on customer_cycle.created_date = narrowest.created_date
    inner join numbered_results
        on
            customer_cycle.result_type = numbered_results.result_type
            and customer_cycle.result_id = numbered_results.result_id
    inner join numbered_members
        on
            customer_cycle.customer_id = numbered_members.customer_id
            and customer_cycle.manager_id = numbered_members.manager_id
),

narrowest_figures as (
    select
        followed.narrowest_days,
        followed.result_number,
        followed.member_number,
        cast(count(*) as integer) as customers,
        cast(sum(case when followed.has_negative_duration then 1 else 0 end) as integer) as excluded_negative,
        cast(sum(case when followed.is_converted then 1 else 0 end) as integer) as converted,
        cast(sum(case when followed.is_converted then followed.followed_days else 0 end) as integer) as total_days
    from followed
    group by
        followed.narrowest_days,
        followed.result_number,
        followed.member_number
),

first_windows as (
    select
        narrowest_figures.result_number,
        narrowest_figures.member_number,
        min(narrowest_figures.narrowest_days) as first_window_days
    from narrowest_figures
    group by
        narrowest_figures.result_number,
        narrowest_figures.member_number
),

figures as (
    select
        windows.window_days,
        first_windows.result_number,
        first_windows.member_number,
        cast(sum(coalesce(narrowest_figures.customers, 0)) over wider as integer) as customers,
        cast(sum(coalesce(narrowest_figures.excluded_negative, 0)) over wider as integer) as excluded_negative,
        cast(sum(coalesce(narrowest_figures.converted, 0)) over wider as integer) as converted,
        cast(sum(coalesce(narrowest_figures.total_days, 0)) over wider as integer) as total_days
    from windows
    inner join first_windows on windows.window_days >= first_windows.first_window_days
    left join narrowest_figures
        on
            windows.window_days = narrowest_figures.narrowest_days
            and first_windows.result_number = narrowest_figures.result_number
            and first_windows.member_number = narrowest_figures.member_number
    window
        wider as (
            partition by
                first_windows.result_number,
                first_windows.member_number
            order by windows.window_days
        )
),

-- How many converted so many days after creation.
narrowest_conversions as (
    select
        followed.narrowest_days,
        followed.result_number,
        followed.member_number,
        followed.followed_days,
        cast(count(*) as integer) as converted
    from followed
    where followed.is_converted
    group by
        followed.narrowest_days,
        followed.result_number,
        followed.member_number,
        followed.followed_days
),

conversions as (
    select
        windows.window_days,
        narrowest_conversions.result_number,
        narrowest_conversions.member_number,
        narrowest_conversions.followed_days,
        cast(sum(narrowest_conversions.converted) as integer) as converted
    from narrowest_conversions
    inner join windows on narrowest_conversions.narrowest_days <= windows.window_days
    group by
        windows.window_days,
        narrowest_conversions.result_number,
        narrowest_conversions.member_number,
        narrowest_conversions.followed_days
),

-- Who has not converted yet is followed up to as_of, that day included: a conversion on the same day is counted first. Whoever was
-- followed for less than a conversion took was created after it, and lies in every window that the conversion lies in.
left_days as (
    select
        followed.result_number,
        followed.member_number,
        followed.followed_days,
        cast(sum(case when followed.is_converted then 0 else 1 end) as integer) as leaving,
        bool_or(followed.is_converted) as has_conversions
    from followed
    where not followed.has_negative_duration
    group by
        followed.result_number,
        followed.member_number,
        followed.followed_days
),

left_before as (
    select
        left_days.result_number,
        left_days.member_number,
        left_days.followed_days,
        left_days.has_conversions,
        cast(
            sum(left_days.leaving) over (
                partition by
                    left_days.result_number,
                    left_days.member_number
                order by left_days.followed_days
            ) as integer
        ) - left_days.leaving as left_earlier
    from left_days
),

-- Kaplan-Meier: per day since creation, how many converted on it, and how many had been followed until it.
conversions_until as (
    select
        conversions.window_days,
        conversions.result_number,
        conversions.member_number,
        conversions.followed_days,
        conversions.converted,
        cast(
            sum(conversions.converted) over (
                partition by
                    conversions.window_days,
                    conversions.result_number,
                    conversions.member_number
                order by conversions.followed_days
            ) as integer
        ) as converted_until
    from conversions
),

at_risk as (
    select
        conversions_until.window_days,
        conversions_until.result_number,
        conversions_until.member_number,
        conversions_until.followed_days,
        conversions_until.converted,
        conversions_until.converted_until,
        figures.converted as all_converted,
        figures.customers
        - figures.excluded_negative
        - left_before.left_earlier
        - conversions_until.converted_until
        + conversions_until.converted as followed_customers
    from conversions_until
    inner join figures
        on
            conversions_until.window_days = figures.window_days
            and conversions_until.result_number = figures.result_number
            and conversions_until.member_number = figures.member_number
    inner join left_before
        on
            conversions_until.result_number = left_before.result_number
            and conversions_until.member_number = left_before.member_number
            and conversions_until.followed_days = left_before.followed_days
    where left_before.has_conversions
),

-- The share not yet converted is a product, written as a sum of logarithms; it changes on days of conversions only. Where everybody
-- still followed converts, it is 0.
survival as (
    select
        at_risk.*,
        sum(
            case
                when at_risk.converted < at_risk.followed_customers
                    then ln(
                        {{ ratio('at_risk.followed_customers - at_risk.converted', 'at_risk.followed_customers') }}
                    )
            end
        ) over (
            partition by
                at_risk.window_days,
                at_risk.result_number,
                at_risk.member_number
            order by at_risk.followed_days
        ) as log_share
    from at_risk
),

-- The middle of an even number of conversions lies halfway between two of them. A share of exactly one half must not be missed by a
-- rounding of its logarithm.
medians as (
    select
        survival.window_days,
        survival.result_number,
        survival.member_number,
        min(case when survival.converted_until * 2 >= survival.all_converted then survival.followed_days end) as lower_median_days,
        min(case when survival.converted_until * 2 > survival.all_converted then survival.followed_days end) as upper_median_days,
        min(
            case
                when survival.converted = survival.followed_customers or exp(survival.log_share) <= 0.5 + 1e-9
                    then survival.followed_days
            end
        ) as km_median_days
    from survival
    group by
        survival.window_days,
        survival.result_number,
        survival.member_number
),

final as (
    select
        cast(figures.window_days as integer) as window_days,
        cast(numbered_results.result_type as string) as result_type,
        cast(numbered_results.result_id as string) as result_id,
        cast(numbered_groups.breakdown as string) as breakdown,
        cast(numbered_groups.member_id as string) as member_id,
        cast(numbered_groups.manager_id as string) as manager_id,
        cast(figures.customers as bigint) as customers,
        cast(figures.excluded_negative as bigint) as excluded_negative,
        cast(figures.customers - figures.excluded_negative as bigint) as counted_customers,
        cast(figures.converted as bigint) as converted,
        {{ ratio('figures.converted', 'figures.customers - figures.excluded_negative') }} as conversion_rate,
        cast(figures.total_days as bigint) as total_days,
        {{ ratio('figures.total_days', 'figures.converted') }} as mean_days,
        cast(medians.lower_median_days + medians.upper_median_days as double) / 2 as median_days,
        cast(medians.km_median_days as bigint) as km_median_days
    from figures
    inner join numbered_results on figures.result_number = numbered_results.result_number
    inner join numbered_groups on figures.member_number = numbered_groups.member_number
    left join medians
        on
            figures.window_days = medians.window_days
            and figures.result_number = medians.result_number
            and figures.member_number = medians.member_number
)

select * from final
