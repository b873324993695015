{%- set touched -%}
select customer_id from {{ changes('core_customer_relationship_history') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from core.core_customer_relationship_history where {{ became_past('valid_from_at') }}
union all
select customer_id from core.core_customer_relationship_history where {{ became_past('valid_to_at') }}
{%- endset -%}
{#- An open stay is a day longer every night. -#}
{%- set daily = {
    'column': 'days_in_stage',
    'value': dbt.datediff('entered_date', day_of_build(), 'day'),
    'rows': 'is_open',
} -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}, 'daily': daily}) }}

with relationship_history as (
    select * from {{ ref('core_customer_relationship_history') }}
    {{ in_scope('customer_id') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

stretches as (
    select
        relationship_history.customer_id,
        relationship_history.relationship_id,
        relationship_history.valid_from_at,
        relationship_history.valid_to_at,
        lag(relationship_history.relationship_id) over (
            partition by relationship_history.customer_id order by relationship_history.valid_from_at
        ) as previous_relationship_id,
        row_number() over (
            partition by relationship_history.customer_id order by relationship_history.valid_from_at desc
        ) as place_from_end
    from relationship_history
    where relationship_history.valid_from_at < {{ as_of_end() }}
),

-- Only a customer's last stretch can end without a move: it goes on, or the customer was deleted.
last_stretches as (
    select
        stretches.customer_id,
        case when stretches.valid_to_at < {{ as_of_end() }} then stretches.valid_to_at end as deleted_at
    from stretches
    where stretches.place_from_end = 1
),

-- A stay goes on through a deletion and restoration that did not change the relationship.
entries as (
    select
        stretches.customer_id,
        stretches.relationship_id,
        stretches.valid_from_at as entered_at,
        row_number() over (partition by stretches.customer_id order by stretches.valid_from_at) as stay_number,
        row_number() over (
            partition by stretches.customer_id, stretches.relationship_id order by stretches.valid_from_at
        ) as entry_number,
        lead(stretches.valid_from_at) over (
            partition by stretches.customer_id order by stretches.valid_from_at
        ) as moved_on_at
    from stretches
    where
        stretches.previous_relationship_id is null
        or stretches.previous_relationship_id != stretches.relationship_id
),

stays as (
    select
        entries.customer_id,
        entries.relationship_id,
        entries.entered_at,
        entries.stay_number,
        entries.entry_number,
        entries.moved_on_at,
        coalesce(entries.moved_on_at, last_stretches.deleted_at) as left_at
    from entries
    inner join last_stretches on entries.customer_id = last_stretches.customer_id
),

final as (
    select
        cast(stays.customer_id as string) as customer_id,
        cast(stays.stay_number as bigint) as stay_number,
        cast(stays.relationship_id as string) as relationship_id,
        cast(coalesce(owner_history.manager_id, 'unknown') as string) as manager_id,
        cast(stays.entered_at as timestamp) as entered_at,
        cast(stays.entered_at as date) as entered_date,
        cast(stays.left_at as timestamp) as left_at,
        cast(stays.left_at as date) as left_date,
        cast(
            {{ dbt.datediff('cast(stays.entered_at as date)', 'coalesce(cast(stays.left_at as date), ' ~ as_of() ~ ')', 'day') }}
            as bigint
        ) as days_in_stage,
        cast(stays.left_at is null as boolean) as is_open,
        cast(stays.moved_on_at is not null as boolean) as has_moved_on,
        cast(stays.entry_number = 1 as boolean) as is_first_entry,
        cast(stays.stay_number = 1 as boolean) as is_first_stay
    from stays
    left join owner_history
        on
            stays.customer_id = owner_history.customer_id
            and stays.entered_at >= owner_history.valid_from_at
            and stays.entered_at < coalesce(owner_history.valid_to_at, cast('9999-12-31' as timestamp))
)

select * from final
