{%- set touched -%}
select customer_id from {{ changes('core_customer_relationship_history') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from core.core_customer_relationship_history where exists (select 1 from {{ changes('core_relationships') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with relationship_history as (
    select * from {{ ref('core_customer_relationship_history') }}
    {{ in_scope('customer_id') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

relationships as (
    select * from {{ ref('core_relationships') }}
),

compared as (
    select
        relationship_history.customer_id,
        relationship_history.relationship_id,
        relationship_history.valid_from_at,
        lag(relationship_history.relationship_id) over (
            partition by relationship_history.customer_id order by relationship_history.valid_from_at
        ) as previous_relationship_id
    from relationship_history
),

-- A stay goes on through a deletion and restoration that did not change the relationship.
entries as (
    select
        compared.customer_id,
        compared.relationship_id,
        compared.valid_from_at
    from compared
    where
        compared.previous_relationship_id is null
        or compared.previous_relationship_id != compared.relationship_id
),

steps_between as (
    select
        entries.customer_id,
        entries.valid_from_at as moved_at,
        entries.relationship_id as to_relationship_id,
        lag(entries.relationship_id) over (partition by entries.customer_id order by entries.valid_from_at)
            as from_relationship_id,
        lag(entries.valid_from_at) over (partition by entries.customer_id order by entries.valid_from_at)
            as previous_from_at
    from entries
),

moves as (
    select
        steps_between.customer_id,
        steps_between.moved_at,
        steps_between.from_relationship_id,
        steps_between.to_relationship_id,
        steps_between.previous_from_at,
        from_relationships.relationship_order as from_order,
        to_relationships.relationship_order as to_order
    from steps_between
    left join relationships as from_relationships
        on steps_between.from_relationship_id = from_relationships.relationship_id
    left join relationships as to_relationships
        on steps_between.to_relationship_id = to_relationships.relationship_id
    where steps_between.from_relationship_id is not null
),

ends as (
    select distinct
        moves.from_order,
        moves.to_order
    from moves
    where moves.from_order != moves.to_order
),

-- Steps count the relationships in use now; a retired one in between was not skipped.
distances as (
    select
        ends.from_order,
        ends.to_order,
        1 + count(distinct relationships.relationship_order) as steps
    from ends
    left join relationships
        on
            not relationships.is_deleted
            and relationships.relationship_order > least(ends.from_order, ends.to_order)
            and relationships.relationship_order < greatest(ends.from_order, ends.to_order)
    group by
        ends.from_order,
        ends.to_order
),

-- An open end is compared as a far date: an `or` in a left join's condition makes it compare every pair.
final as (
    select
        cast({{ dbt.concat(['moves.customer_id', "':'", 'cast(moves.moved_at as string)']) }} as string) as move_id,
        cast(moves.customer_id as string) as customer_id,
        cast(coalesce(owner_history.manager_id, 'unknown') as string) as manager_id,
        cast(moves.from_relationship_id as string) as from_relationship_id,
        cast(moves.to_relationship_id as string) as to_relationship_id,
        cast(moves.moved_at as timestamp) as moved_at,
        cast(moves.moved_at as date) as moved_date,
        {{ month_of('moves.moved_at') }} as month_date,
        cast(
            case
                when moves.to_order > moves.from_order then 'forward'
                when moves.to_order < moves.from_order then 'backward'
                else 'unordered'
            end as string
        ) as move_direction,
        cast(
            case when moves.to_order < moves.from_order then -distances.steps else distances.steps end as bigint
        ) as steps,
        cast({{ dbt.datediff('moves.previous_from_at', 'moves.moved_at', 'day') }} as bigint) as days_in_previous,
        cast(coalesce(moves.to_order > moves.from_order and distances.steps > 1, false) as boolean) as has_skipped
    from moves
    left join distances
        on
            moves.from_order = distances.from_order
            and moves.to_order = distances.to_order
    left join owner_history
        on
            moves.customer_id = owner_history.customer_id
            and moves.moved_at >= owner_history.valid_from_at
            and moves.moved_at < coalesce(owner_history.valid_to_at, cast('9999-12-31' as timestamp))
)

select * from final
