{%- set touched -%}
{{ changed_in('dim_customer_cohort', ['customer_id', 'manager_id', 'revenue_amount', 'is_deleted'], 'customer_id') }}
union all
select customer_id from {{ changes('core_bridge_customers_sources') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('dim_customer_cohort') }}
    {{ in_scope('customer_id') }}
),

bridge as (
    select * from {{ ref('core_bridge_customers_sources') }}
    {{ in_scope('customer_id') }}
),

customer_members as (
    select
        customers.customer_id,
        customers.manager_id,
        customers.revenue_amount,
        bridge.source_id,
        bridge.member_count as source_count,
        row_number() over (partition by customers.customer_id order by bridge.source_id) as source_number
    from customers
    inner join bridge on customers.customer_id = bridge.customer_id
    where not customers.is_deleted
),

final as (
    select
        cast(customer_members.customer_id as string) as customer_id,
        cast(customer_members.source_id as string) as source_id,
        cast(customer_members.manager_id as string) as manager_id,
        cast(customer_members.source_count as bigint) as source_count,
        cast(1 as bigint) as customers,
        {{ equal_part('customer_members.source_number', 'customer_members.source_count') }} as customers_split,
        cast(customer_members.revenue_amount as decimal(18, 2)) as revenue_amount,
        {{ equal_part_amount('customer_members.revenue_amount', 'customer_members.source_number', 'customer_members.source_count') }}
            as revenue_split_amount
    from customer_members
)

select * from final
