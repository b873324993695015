with current_rows as (
    {{ current_version('employee_permissions') | indent(4) }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

final as (
    select
        {{ resolve_reference('current_rows.employee_id', 'employees.employee_id') }} as employee_id,
        current_rows.report,
        current_rows.right,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join employees on current_rows.employee_id = employees.employee_id
)

select * from final
