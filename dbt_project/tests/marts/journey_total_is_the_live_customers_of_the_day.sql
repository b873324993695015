-- Every day's journey holds each customer that lived at its end exactly once: creations and restorations minus deletions so far.
with journey as (
    select
        as_of_date,
        sum(customers) as customers
    from {{ ref('fct_journey') }}
    group by as_of_date
),

changes as (
    select
        cast(valid_from_at as date) as change_date,
        1 as customers
    from {{ ref('core_customer_owner_history') }}
    union all
    select
        cast(valid_to_at as date) as change_date,
        -1 as customers
    from {{ ref('core_customer_owner_history') }}
    where valid_to_at is not null
),

daily_changes as (
    select
        change_date,
        sum(customers) as customers
    from changes
    group by change_date
),

live as (
    select
        dates.calendar_date,
        sum(coalesce(daily_changes.customers, 0)) over (order by dates.calendar_date) as customers
    from {{ ref('dim_date') }} as dates
    left join daily_changes on dates.calendar_date = daily_changes.change_date
    where dates.calendar_date <= {{ as_of() }}
),

final as (
    select
        live.calendar_date,
        live.customers as live_customers,
        journey.customers as journey_customers
    from live
    full outer join journey on live.calendar_date = journey.as_of_date
    where coalesce(live.customers, 0) != coalesce(journey.customers, 0)
)

select * from final
