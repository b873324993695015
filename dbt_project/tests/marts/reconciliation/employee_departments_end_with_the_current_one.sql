-- Everybody has one primary department now, the one of dim_employees, and one for every moment before: stretches follow each other.
with primary_places as (
    select
        employee_id,
        department_id,
        valid_from_at,
        valid_to_at,
        is_current,
        lead(valid_from_at) over (
            partition by employee_id
            order by valid_from_at
        ) as next_valid_from_at
    from {{ ref('fct_employee_departments') }}
    where is_primary
),

real_employees as (
    select *
    from {{ ref('dim_employees') }}
    where not is_placeholder
),

current_places as (
    select *
    from primary_places
    where is_current
),

final as (
    select employee_id
    from primary_places
    where valid_to_at is distinct from next_valid_from_at
    union all
    select coalesce(employees.employee_id, places.employee_id) as employee_id
    from real_employees as employees
    full outer join current_places as places on employees.employee_id = places.employee_id
    where employees.department_id is distinct from places.department_id
)

select * from final
