{#- A cell is a day with an owner, a relationship and a day of creation; a null does not compare, so it stands as a far day. -#}
{%- set cell = "(as_of_date, manager_id, relationship_id, coalesce(created_date, cast('0001-01-01' as date)))" -%}
{%- set touched -%}
select as_of_date, manager_id, relationship_id, coalesce(created_date, cast('0001-01-01' as date)) from ({{ changed_journey_cells() }}) as cells
{%- endset -%}
{{ config(meta={'scope': {'column': cell, 'touched': touched}}) }}

with placements as (
    select * from {{ ref('core_customer_placements') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

{% if only_changes() -%}
changed_cells as (
    {{ changed_journey_cells() | indent(4) }}
),

standing as (
    select * from {{ this }}
    where {{ cell }} in ({{ touched_keys() }})
),

corrected as (
    select
        changed_cells.as_of_date,
        changed_cells.manager_id,
        changed_cells.relationship_id,
        changed_cells.created_date,
        changed_cells.customers + coalesce(standing.customers, 0) as customers
    from changed_cells
    left join standing
        on
            changed_cells.as_of_date = standing.as_of_date
            and changed_cells.manager_id = standing.manager_id
            and changed_cells.relationship_id = standing.relationship_id
            and changed_cells.created_date is not distinct from standing.created_date
),

-- Days that have come since: everybody's.
new_stretches as (
    select
        placements.*,
        1 as customers
    from placements
    where
        placements.from_date <= {{ as_of() }}
        and (placements.to_date is null or placements.to_date > (select previous_as_of_end from {{ this_build() }}))
),

new_cells as (
    {{ journey_cells('new_stretches', '(select cast(previous_as_of_end as date) from ' ~ this_build() ~ ')', as_of()) | indent(4) }}
),

stock as (
    select * from corrected
    union all
    select * from new_cells
),
{%- else -%}
-- A stretch has the days from its first one up to, not including, the one it ends in.
stays as (
    select
        placements.manager_id,
        placements.relationship_id,
        placements.created_date,
        placements.from_date,
        cast(least(coalesce(placements.to_date, {{ as_of_end() }}), {{ as_of_end() }}) as date) as to_date,
        cast({{ dbt.dateadd('day', 85, 'placements.created_date') }} as date) as old_from_date
    from placements
    where placements.from_date <= {{ as_of() }}
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
{%- endif %}

final as (
    select
        cast(stock.as_of_date as date) as as_of_date,
        cast(stock.manager_id as string) as manager_id,
        cast(stock.relationship_id as string) as relationship_id,
        cast(stock.created_date as date) as created_date,
        cast(stock.customers as bigint) as customers
    from stock
    where stock.customers > 0
)

select * from final
