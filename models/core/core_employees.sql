with current_rows as (
    {{ current_version('employees', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

departments as (
    select department_id from {{ ref('core_departments') }}
),

final as (
    select
        current_rows.employee_id,
        current_rows.full_name,
        current_rows.email,
        {{ resolve_reference('current_rows.department_id', 'departments.department_id') }} as department_id,
        current_rows.position_rank,
        current_rows.job_title,
        current_rows.is_active,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join departments on current_rows.department_id = departments.department_id
)

select * from final
