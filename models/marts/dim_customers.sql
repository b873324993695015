{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from core.core_customers where relationship_id in (select relationship_id from {{ changes('core_relationships') }})
union all
select customer_id from core.core_customers where province_id in (select province_id from {{ changes('core_provinces') }})
union all
select 'none'
union all
select 'unknown'
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

relationships as (
    select * from {{ ref('core_relationships') }}
),

provinces as (
    select * from {{ ref('core_provinces') }}
),

placeholders as (
    {{ placeholder_members() }}
),

members as (
    select
        customers.customer_id,
        customers.customer_code,
        customers.customer_name,
        customers.manager_id,
        customers.creator_id,
        customers.relationship_id,
        customers.province_id,
        customers.gender,
        customers.birthday,
        customers.created_at,
        customers.created_date,
        customers.created_month_date,
        customers.is_deleted,
        customers.deleted_at,
        false as is_placeholder
    from customers
    union all
    select
        placeholders.member_id as customer_id,
        null as customer_code,
        placeholders.member_name as customer_name,
        placeholders.member_id as manager_id,
        placeholders.member_id as creator_id,
        placeholders.member_id as relationship_id,
        placeholders.member_id as province_id,
        null as gender,
        null as birthday,
        null as created_at,
        null as created_date,
        null as created_month_date,
        false as is_deleted,
        null as deleted_at,
        true as is_placeholder
    from placeholders
),

final as (
    select
        cast(members.customer_id as string) as customer_id,
        cast(members.customer_code as string) as customer_code,
        cast(members.customer_name as string) as customer_name,
        cast(members.manager_id as string) as manager_id,
        cast(members.creator_id as string) as creator_id,
        cast(members.relationship_id as string) as relationship_id,
        cast(coalesce(relationships.relationship_name, no_relationship.member_name) as string) as relationship_name,
        cast(relationships.relationship_order as integer) as relationship_order,
        cast(members.province_id as string) as province_id,
        cast(coalesce(provinces.province_name, no_province.member_name) as string) as province_name,
        cast(coalesce(members.gender, 'unknown') as string) as gender,
        cast(members.birthday as date) as birthday,
        cast(members.created_at as timestamp) as created_at,
        cast(members.created_date as date) as created_date,
        cast(members.created_month_date as date) as created_month_date,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.deleted_at as timestamp) as deleted_at,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
    left join relationships on members.relationship_id = relationships.relationship_id
    left join placeholders as no_relationship on members.relationship_id = no_relationship.member_id
    left join provinces on members.province_id = provinces.province_id
    left join placeholders as no_province on members.province_id = no_province.member_id
)

select * from final
