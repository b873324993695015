with recursive departments as (
    select
        dim_departments.department_id,
        dim_departments.department_name,
        dim_departments.parent_department_id,
        dim_departments.is_placeholder
    from {{ in_this_database(ref('dim_departments')) }} as dim_departments
),

employees as (
    select
        dim_employees.employee_id,
        dim_employees.department_id
    from {{ in_this_database(ref('dim_employees')) }} as dim_employees
),

employee_scope as (
    select
        core_employee_scope.viewer_email,
        core_employee_scope.employee_id
    from {{ in_this_database(ref('core_employee_scope')) }} as core_employee_scope
),

department_scope as (
    select
        core_department_scope.viewer_email,
        core_department_scope.department_id
    from {{ in_this_database(ref('core_department_scope')) }} as core_department_scope
),

visible_ids as (
    select department_scope.department_id
    from department_scope
    where lower(department_scope.viewer_email) = {{ current_viewer() }}
    union
    select employees.department_id
    from employee_scope
    inner join employees on employee_scope.employee_id = employees.employee_id
    where lower(employee_scope.viewer_email) = {{ current_viewer() }}
),

-- A parent the viewer may not see is not named, neither by id nor in the path.
visible as (
    select
        departments.department_id,
        departments.department_name,
        departments.is_placeholder,
        coalesce(parents.department_id, 'none') as parent_department_id
    from departments
    inner join visible_ids on departments.department_id = visible_ids.department_id
    left join visible_ids as parents on departments.parent_department_id = parents.department_id
),

paths as (
    select
        visible.department_id,
        visible.department_name as department_path,
        0 as depth
    from visible
    where visible.parent_department_id in ('none', 'unknown')
    union all
    select
        visible.department_id,
        {{ dbt.concat(['paths.department_path', "' / '", 'visible.department_name']) }} as department_path,
        paths.depth + 1 as depth
    from paths
    inner join visible on paths.department_id = visible.parent_department_id
    where paths.department_id not in ('none', 'unknown')
),

-- Departments that are each other's parents have no path from a root; they stand by themselves.
final as (
    select
        visible.department_id,
        visible.department_name,
        visible.parent_department_id,
        coalesce(paths.department_path, visible.department_name) as department_path,
        cast(coalesce(paths.depth, 0) as integer) as depth,
        visible.is_placeholder
    from visible
    left join paths on visible.department_id = paths.department_id
)

select * from final
