with customers as (
    select * from {{ ref('core_customers') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
),

relationship_history as (
    select * from {{ ref('core_customer_relationship_history') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

placements as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        relationship_history.relationship_id,
        greatest(owner_history.valid_from_at, relationship_history.valid_from_at) as valid_from_at,
        least(
            coalesce(owner_history.valid_to_at, {{ as_of_end() }}),
            coalesce(relationship_history.valid_to_at, {{ as_of_end() }}),
            {{ as_of_end() }}
        ) as valid_to_at
    from owner_history
    inner join relationship_history
        on
            owner_history.customer_id = relationship_history.customer_id
            and owner_history.valid_from_at
            < coalesce(relationship_history.valid_to_at, {{ as_of_end() }})
            and relationship_history.valid_from_at < coalesce(owner_history.valid_to_at, {{ as_of_end() }})
),

-- Days are counted by their ends: a stay has the days from its first one up to, not including, the one it ends in.
stays as (
    select
        placements.manager_id,
        placements.relationship_id,
        customers.created_date,
        cast(placements.valid_from_at as date) as from_date,
        cast(placements.valid_to_at as date) as to_date,
        cast({{ dbt.dateadd('day', 85, 'customers.created_date') }} as date) as old_from_date
    from placements
    inner join customers on placements.customer_id = customers.customer_id
    where cast(placements.valid_from_at as date) < cast(placements.valid_to_at as date)
),

recent_stays as (
    select
        stays.manager_id,
        stays.relationship_id,
        stays.created_date,
        stays.from_date,
        least(stays.to_date, stays.old_from_date) as to_date,
        count(*) as customers
    from stays
    where stays.from_date < stays.old_from_date
    group by
        stays.manager_id,
        stays.relationship_id,
        stays.created_date,
        stays.from_date,
        least(stays.to_date, stays.old_from_date)
),

recent_days as (
    select
        recent_stays.manager_id,
        recent_stays.relationship_id,
        recent_stays.created_date,
        recent_stays.customers,
        {{ each_day('recent_stays.from_date', dbt.dateadd('day', -1, 'recent_stays.to_date')) }} as as_of_date
    from recent_stays
),

recent_stock as (
    select
        cast(recent_days.as_of_date as date) as as_of_date,
        recent_days.manager_id,
        recent_days.relationship_id,
        recent_days.created_date,
        sum(recent_days.customers) as customers
    from recent_days
    group by
        recent_days.as_of_date,
        recent_days.manager_id,
        recent_days.relationship_id,
        recent_days.created_date
),

old_changes as (
    select
        stays.manager_id,
        stays.relationship_id,
        greatest(stays.from_date, stays.old_from_date) as as_of_date,
        1 as customers
    from stays
    where greatest(stays.from_date, stays.old_from_date) < stays.to_date
    union all
    select
        stays.manager_id,
        stays.relationship_id,
        stays.to_date as as_of_date,
        -1 as customers
    from stays
    where greatest(stays.from_date, stays.old_from_date) < stays.to_date
),

old_daily_changes as (
    select
        old_changes.as_of_date,
        old_changes.manager_id,
        old_changes.relationship_id,
        sum(old_changes.customers) as customers
    from old_changes
    group by
        old_changes.as_of_date,
        old_changes.manager_id,
        old_changes.relationship_id
),

old_first_dates as (
    select
        old_daily_changes.manager_id,
        old_daily_changes.relationship_id,
        min(old_daily_changes.as_of_date) as first_date
    from old_daily_changes
    group by
        old_daily_changes.manager_id,
        old_daily_changes.relationship_id
),

old_stock as (
    select
        dates.calendar_date as as_of_date,
        old_first_dates.manager_id,
        old_first_dates.relationship_id,
        cast(null as date) as created_date,
        sum(coalesce(old_daily_changes.customers, 0)) over (
            partition by old_first_dates.manager_id, old_first_dates.relationship_id order by dates.calendar_date
        ) as customers
    from old_first_dates
    inner join dates
        on
            old_first_dates.first_date <= dates.calendar_date
            and dates.calendar_date <= {{ as_of() }}
    left join old_daily_changes
        on
            old_first_dates.manager_id = old_daily_changes.manager_id
            and old_first_dates.relationship_id = old_daily_changes.relationship_id
            and dates.calendar_date = old_daily_changes.as_of_date
),

stock as (
    select * from recent_stock
    union all
    select * from old_stock
),

final as (
    select
        cast(stock.as_of_date as date) as as_of_date,
        cast(stock.manager_id as varchar) as manager_id,
        cast(stock.relationship_id as varchar) as relationship_id,
        cast(stock.created_date as date) as created_date,
        cast(stock.customers as bigint) as customers
    from stock
    where stock.customers > 0
)

select * from final
