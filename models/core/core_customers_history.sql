{%- set columns = [
    'customer_id',
    'customer_code',
    'customer_name',
    'manager_id',
    'creator_id',
    'relationship_id',
    'source_ids',
    'industry_ids',
    'province_id',
    'gender',
    'birthday',
    'phone',
    'email',
    'created_at',
    'updated_at',
    'last_contact_at',
    'deleted_at'
] -%}

{%- set touched -%}
{{ changed_records('customers') }}
union all
{{ became_known('customers', 'manager_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('customers', 'creator_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('customers', 'relationship_id', 'core_relationships', 'relationship_id') }}
union all
{{ became_known('customers', 'province_id', 'core_provinces', 'province_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with versions as (
    {{ entity_history('customers', columns, starts_at="created_at") | indent(4) }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

relationships as (
    select relationship_id from {{ ref('core_relationships') }}
),

provinces as (
    select province_id from {{ ref('core_provinces') }}
),

final as (
    select
        versions.customer_id,
        versions.customer_code,
        versions.customer_name,
        {{ resolve_reference('versions.manager_id', 'managers.employee_id') }} as manager_id,
        {{ resolve_reference('versions.creator_id', 'creators.employee_id') }} as creator_id,
        {{ resolve_reference('versions.relationship_id', 'relationships.relationship_id') }} as relationship_id,
        versions.source_ids,
        versions.industry_ids,
        {{ resolve_reference('versions.province_id', 'provinces.province_id') }} as province_id,
        versions.gender,
        versions.birthday,
        versions.phone,
        versions.email,
        versions.created_at,
        versions.updated_at,
        versions.last_contact_at,
        versions.is_deleted,
        versions.gone_at as deleted_at,
        versions.valid_from_at,
        versions.valid_to_at,
        versions.is_current
    from versions
    left join employees as managers on versions.manager_id = managers.employee_id
    left join employees as creators on versions.creator_id = creators.employee_id
    left join relationships on versions.relationship_id = relationships.relationship_id
    left join provinces on versions.province_id = provinces.province_id
)

select * from final
