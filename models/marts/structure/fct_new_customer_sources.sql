{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from {{ changes('core_bridge_customers_sources') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

bridge as (
    select * from {{ ref('core_bridge_customers_sources') }}
    {{ in_scope('customer_id') }}
),

ranked_owners as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        row_number() over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as owner_rank
    from owner_history
),

customer_members as (
    select
        customers.customer_id,
        customers.created_date,
        customers.created_month_date,
        customers.is_deleted,
        bridge.source_id,
        bridge.member_count as source_count,
        coalesce(ranked_owners.manager_id, 'unknown') as employee_id,
        row_number() over (partition by customers.customer_id order by bridge.source_id) as source_number
    from customers
    inner join bridge on customers.customer_id = bridge.customer_id
    left join ranked_owners
        on
            customers.customer_id = ranked_owners.customer_id
            and ranked_owners.owner_rank = 1
),

final as (
    select
        cast(customer_members.customer_id as string) as customer_id,
        cast(customer_members.source_id as string) as source_id,
        cast(customer_members.employee_id as string) as employee_id,
        cast(customer_members.created_date as date) as created_date,
        cast(customer_members.created_month_date as date) as month_date,
        cast(customer_members.is_deleted as boolean) as is_deleted,
        cast(customer_members.source_count as bigint) as source_count,
        cast(1 as bigint) as new_customers,
        {{ equal_part('customer_members.source_number', 'customer_members.source_count') }} as new_customers_split
    from customer_members
)

select * from final
