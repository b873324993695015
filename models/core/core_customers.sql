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

with current_rows as (
    {{ current_version('customers', has_updated_at=true, has_deleted_at=true) | indent(4) }}
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
        current_rows.customer_id,
        current_rows.customer_code,
        current_rows.customer_name,
        {{ resolve_reference('current_rows.manager_id', 'managers.employee_id') }} as manager_id,
        {{ resolve_reference('current_rows.creator_id', 'creators.employee_id') }} as creator_id,
        {{ resolve_reference('current_rows.relationship_id', 'relationships.relationship_id') }} as relationship_id,
        current_rows.source_ids,
        current_rows.industry_ids,
        {{ resolve_reference('current_rows.province_id', 'provinces.province_id') }} as province_id,
        current_rows.gender,
        current_rows.birthday,
        current_rows.phone,
        current_rows.email,
        current_rows.created_at,
        cast(current_rows.created_at as date) as created_date,
        {{ month_of('current_rows.created_at') }} as created_month_date,
        current_rows.updated_at,
        current_rows.last_contact_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join employees as managers on current_rows.manager_id = managers.employee_id
    left join employees as creators on current_rows.creator_id = creators.employee_id
    left join relationships on current_rows.relationship_id = relationships.relationship_id
    left join provinces on current_rows.province_id = provinces.province_id
)

select * from final
