with final as (
    select
        fct_employee_departments.employee_id,
        fct_employee_departments.department_id,
        fct_employee_departments.is_primary,
        fct_employee_departments.valid_from_at,
        fct_employee_departments.valid_to_at,
        fct_employee_departments.is_current
    from {{ in_this_database(ref('fct_employee_departments')) }} as fct_employee_departments
    where {{ in_viewer_scope('fct_employee_departments.employee_id') }}
)

select * from final
