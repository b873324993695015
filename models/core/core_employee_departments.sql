with employees as (
    select
        employee_id,
        department_id,
        position_rank,
        is_active and not is_deleted as is_at_work
    from {{ ref('core_employees') }}
),

memberships as (
    select
        employee_id,
        department_id,
        position_rank
    from {{ ref('core_department_memberships') }}
    where not is_deleted
),

-- A department that is deleted or not there gives nobody a place, so it gives nobody sight of others either.
departments as (
    select department_id
    from {{ ref('core_departments') }}
    where not is_deleted
),

places as (
    select
        employee_id,
        department_id,
        position_rank,
        true as is_primary
    from employees
    union all
    select
        employee_id,
        department_id,
        position_rank,
        false as is_primary
    from memberships
),

-- A membership in the primary department adds nothing but a rank, where the primary one has none.
joined_places as (
    select
        employee_id,
        department_id,
        coalesce(max(case when is_primary then position_rank end), max(position_rank)) as position_rank,
        max(case when is_primary then 1 else 0 end) = 1 as is_primary
    from places
    group by employee_id, department_id
),

known_places as (
    select
        joined_places.employee_id,
        joined_places.department_id,
        joined_places.position_rank,
        joined_places.is_primary,
        employees.is_at_work
    from joined_places
    inner join departments on joined_places.department_id = departments.department_id
    inner join employees on joined_places.employee_id = employees.employee_id
),

top_ranks as (
    select
        department_id,
        min(position_rank) as position_rank
    from known_places
    where is_at_work
    group by department_id
),

final as (
    select
        known_places.employee_id,
        known_places.department_id,
        known_places.position_rank,
        known_places.is_primary,
        known_places.is_at_work and coalesce(known_places.position_rank = top_ranks.position_rank, false) as is_head
    from known_places
    left join top_ranks on known_places.department_id = top_ranks.department_id
)

select * from final
