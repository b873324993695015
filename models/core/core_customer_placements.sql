{%- set touched -%}
{{ changed_in('core_customers', ['customer_id', 'created_date'], 'customer_id') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from {{ changes('core_customer_relationship_history') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select
        customer_id,
        created_date
    from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

-- An open end is compared as a far date.
owner_history as (
    select
        customer_id,
        manager_id,
        valid_from_at,
        coalesce(valid_to_at, cast('9999-12-31' as timestamp)) as valid_to_at
    from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

relationship_history as (
    select
        customer_id,
        relationship_id,
        valid_from_at,
        coalesce(valid_to_at, cast('9999-12-31' as timestamp)) as valid_to_at
    from {{ ref('core_customer_relationship_history') }}
    {{ in_scope('customer_id') }}
),

placements as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        relationship_history.relationship_id,
        greatest(owner_history.valid_from_at, relationship_history.valid_from_at) as valid_from_at,
        least(owner_history.valid_to_at, relationship_history.valid_to_at) as valid_to_at
    from owner_history
    inner join relationship_history
        on
            owner_history.customer_id = relationship_history.customer_id
            and owner_history.valid_from_at < relationship_history.valid_to_at
            and owner_history.valid_to_at > relationship_history.valid_from_at
),

-- Days are counted by their ends: a stretch within one day is on none.
final as (
    select
        placements.customer_id,
        placements.manager_id,
        placements.relationship_id,
        customers.created_date,
        cast(placements.valid_from_at as date) as from_date,
        case
            when placements.valid_to_at < cast('9999-12-31' as timestamp) then cast(placements.valid_to_at as date)
        end as to_date
    from placements
    inner join customers on placements.customer_id = customers.customer_id
    where cast(placements.valid_from_at as date) < cast(placements.valid_to_at as date)
)

select * from final
