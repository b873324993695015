with final as (
    select
        dim_employee_department_history.employee_id,
        dim_employee_department_history.department_id,
        dim_employee_department_history.valid_from_at,
        dim_employee_department_history.valid_to_at,
        dim_employee_department_history.is_current,
        dim_employee_department_history.is_placeholder
    from {{ in_this_database(ref('dim_employee_department_history')) }} as dim_employee_department_history
    where {{ in_viewer_scope('dim_employee_department_history.employee_id') }}
)

select * from final
