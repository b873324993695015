{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from core.core_bridge_customers_industries where industry_id = 'unknown' and exists ({{ new_keys('core_industries', 'industry_id') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select
        customer_id,
        industry_ids
    from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

industries as (
    select industry_id from {{ ref('core_industries') }}
),

given as (
    {{ unnested('customers', 'customer_id', 'industry_ids', 'industry_id') | indent(4) }}
),

-- A list names a member once, and several members that are not there are one unknown member.
members as (
    select distinct
        given.customer_id,
        {{ resolve_reference('given.industry_id', 'industries.industry_id') }} as industry_id
    from given
    left join industries on given.industry_id = industries.industry_id
    where given.industry_id is not null
),

members_or_none as (
    select
        customers.customer_id,
        coalesce(members.industry_id, 'none') as industry_id
    from customers
    left join members on customers.customer_id = members.customer_id
),

counted as (
    select
        customer_id,
        industry_id,
        count(*) over (partition by customer_id) as member_count
    from members_or_none
),

final as (
    select
        customer_id,
        industry_id,
        member_count,
        {{ ratio('1', 'member_count') }} as weight
    from counted
)

select * from final
