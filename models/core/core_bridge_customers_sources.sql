{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from core.core_bridge_customers_sources where source_id = 'unknown' and exists ({{ new_keys('core_sources', 'source_id') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select
        customer_id,
        source_ids
    from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

sources as (
    select source_id from {{ ref('core_sources') }}
),

given as (
    {{ unnested('customers', 'customer_id', 'source_ids', 'source_id') | indent(4) }}
),

-- A list names a member once, and several members that are not there are one unknown member.
members as (
    select distinct
        given.customer_id,
        {{ resolve_reference('given.source_id', 'sources.source_id') }} as source_id
    from given
    left join sources on given.source_id = sources.source_id
    where given.source_id is not null
),

members_or_none as (
    select
        customers.customer_id,
        coalesce(members.source_id, 'none') as source_id
    from customers
    left join members on customers.customer_id = members.customer_id
),

counted as (
    select
        customer_id,
        source_id,
        count(*) over (partition by customer_id) as member_count
    from members_or_none
),

final as (
    select
        customer_id,
        source_id,
        member_count,
        {{ ratio('1', 'member_count') }} as weight
    from counted
)

select * from final
