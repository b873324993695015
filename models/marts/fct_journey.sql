{#- A cell is a day with an owner, a relationship and a day of creation; a null does not compare, so it stands as a far day. -#}
{%- set cell = "(as_of_date, manager_id, relationship_id, coalesce(created_date, cast('0001-01-01' as date)))" -%}
{%- set touched -%}
select as_of_date, manager_id, relationship_id, coalesce(created_date, cast('0001-01-01' as date)) from ({{ changed_journey_cells() }}) as cells
{%- endset -%}
{{ config(meta={'scope': {'column': cell, 'touched': touched}}) }}

with placements as (
    select * from {{ ref('core_customer_placements') }}
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

-- A stretch is in the cells of its day of creation until the customer is old, and then in those of no day.
cell_stays as (
    select
        stays.manager_id,
        stays.relationship_id,
        stays.created_date,
        stays.from_date,
        least(stays.to_date, stays.old_from_date) as to_date
    from stays
    where stays.from_date < least(stays.to_date, stays.old_from_date)
    union all
    select
        stays.manager_id,
        stays.relationship_id,
        cast(null as date) as created_date,
        greatest(stays.from_date, stays.old_from_date) as from_date,
        stays.to_date
    from stays
    where greatest(stays.from_date, stays.old_from_date) < stays.to_date
),

comings_and_goings as (
    select
        cell_stays.manager_id,
        cell_stays.relationship_id,
        cell_stays.created_date,
        cell_stays.from_date as on_date,
        1 as customers
    from cell_stays
    union all
    select
        cell_stays.manager_id,
        cell_stays.relationship_id,
        cell_stays.created_date,
        cell_stays.to_date as on_date,
        -1 as customers
    from cell_stays
),

daily_changes as (
    select
        comings_and_goings.manager_id,
        comings_and_goings.relationship_id,
        comings_and_goings.created_date,
        comings_and_goings.on_date,
        sum(comings_and_goings.customers) as customers
    from comings_and_goings
    group by
        comings_and_goings.manager_id,
        comings_and_goings.relationship_id,
        comings_and_goings.created_date,
        comings_and_goings.on_date
),

-- Only then written out by days: there are many more days than changes.
levels as (
    select
        daily_changes.manager_id,
        daily_changes.relationship_id,
        daily_changes.created_date,
        daily_changes.on_date as from_date,
        lead(daily_changes.on_date) over in_time as to_date,
        sum(daily_changes.customers) over in_time as customers
    from daily_changes
    window in_time as (
        partition by daily_changes.manager_id, daily_changes.relationship_id, daily_changes.created_date
        order by daily_changes.on_date
    )
),

stock as (
    select
        levels.manager_id,
        levels.relationship_id,
        levels.created_date,
        levels.customers,
        {{ each_day('levels.from_date', dbt.dateadd('day', -1, 'levels.to_date')) }} as as_of_date
    from levels
    where levels.customers > 0
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
