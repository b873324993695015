with employees as (
    select * from {{ ref('core_employees') }}
),

departments as (
    select * from {{ ref('dim_departments') }}
),

people as (
    select
        employees.employee_id,
        employees.full_name,
        employees.email,
        employees.department_id,
        employees.position_rank,
        employees.job_title,
        employees.is_active,
        employees.is_deleted,
        false as is_placeholder
    from employees
),

placeholders as (
    {{ placeholder_members() }}
),

members as (
    select * from people
    union all
    select
        placeholders.member_id as employee_id,
        placeholders.member_name as full_name,
        null as email,
        placeholders.member_id as department_id,
        null as position_rank,
        null as job_title,
        false as is_active,
        false as is_deleted,
        true as is_placeholder
    from placeholders
),

final as (
    select
        cast(members.employee_id as string) as employee_id,
        cast(members.full_name as string) as full_name,
        cast(members.email as string) as email,
        cast(members.department_id as string) as department_id,
        cast(departments.department_name as string) as department_name,
        cast(members.position_rank as integer) as position_rank,
        cast(members.job_title as string) as job_title,
        cast(members.is_active as boolean) as is_active,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
    left join departments on members.department_id = departments.department_id
)

select * from final
