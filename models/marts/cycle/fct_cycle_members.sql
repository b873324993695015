{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_bridge_customers_sources') }}
union all
select customer_id from core.core_customers where {{ became_past('created_date') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    where
        not is_deleted
        and created_date <= {{ as_of() }}
        {{ in_scope('customer_id', prefix='and') }}
),

customer_sources as (
    select * from {{ ref('core_bridge_customers_sources') }}
    {{ in_scope('customer_id') }}
),

members as (
    select
        customers.customer_id,
        customers.manager_id,
        'all' as breakdown,
        'all' as member_id
    from customers
    union all
    select
        customers.customer_id,
        customers.manager_id,
        'source' as breakdown,
        customer_sources.source_id as member_id
    from customers
    inner join customer_sources on customers.customer_id = customer_sources.customer_id
    union all
    select
        customers.customer_id,
        customers.manager_id,
        'relationship' as breakdown,
        customers.relationship_id as member_id
    from customers
),

final as (
    select
        cast(members.customer_id as string) as customer_id,
        cast(members.breakdown as string) as breakdown,
        cast(members.member_id as string) as member_id,
        cast(members.manager_id as string) as manager_id
    from members
)

select * from final
