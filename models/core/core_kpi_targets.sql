with current_rows as (
    {{ current_version('kpi_targets') | indent(4) }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

departments as (
    select department_id from {{ ref('core_departments') }}
),

final as (
    select
        current_rows.period_start,
        current_rows.period_end,
        {{ resolve_reference('current_rows.employee_id', 'employees.employee_id') }} as employee_id,
        {{ resolve_reference('current_rows.department_id', 'departments.department_id') }} as department_id,
        current_rows.metric,
        current_rows.target_value,
        current_rows.weight,
        current_rows.direction,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join employees on current_rows.employee_id = employees.employee_id
    left join departments on current_rows.department_id = departments.department_id
)

select * from final
