with final as (
    select
        dim_employees.employee_id,
        dim_employees.full_name,
        dim_employees.email,
        dim_employees.department_id,
        dim_employees.department_name,
        dim_employees.position_rank,
        dim_employees.job_title,
        dim_employees.is_active,
        dim_employees.is_deleted,
        dim_employees.is_placeholder
    from {{ in_this_database(ref('dim_employees')) }} as dim_employees
    where {{ in_viewer_scope('dim_employees.employee_id') }}
)

select * from final
