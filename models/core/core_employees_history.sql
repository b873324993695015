{%- set columns = [
    'employee_id',
    'full_name',
    'email',
    'department_id',
    'position_rank',
    'job_title',
    'is_active',
    'updated_at',
    'deleted_at'
] -%}

with versions as (
    {{ entity_history('employees', columns, starts_at="cast('1900-01-01' as timestamp)") | indent(4) }}
),

departments as (
    select department_id from {{ ref('core_departments') }}
),

final as (
    select
        versions.employee_id,
        versions.full_name,
        versions.email,
        {{ resolve_reference('versions.department_id', 'departments.department_id') }} as department_id,
        versions.position_rank,
        versions.job_title,
        versions.is_active,
        versions.updated_at,
        versions.is_deleted,
        versions.gone_at as deleted_at,
        versions.valid_from_at,
        versions.valid_to_at,
        versions.is_current
    from versions
    left join departments on versions.department_id = departments.department_id
)

select * from final
