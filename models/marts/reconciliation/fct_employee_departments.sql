with versions as (
    select * from {{ ref('core_employees_history') }}
),

memberships as (
    select * from {{ ref('core_employee_departments') }}
),

followed as (
    select
        versions.employee_id,
        versions.department_id,
        versions.valid_from_at,
        coalesce(
            versions.department_id != lag(versions.department_id) over (
                partition by versions.employee_id
                order by versions.valid_from_at
            ),
            true
        ) as is_move
    from versions
),

-- What changes besides the department starts no new stretch.
stretches as (
    select
        followed.employee_id,
        followed.department_id,
        followed.valid_from_at,
        lead(followed.valid_from_at) over (
            partition by followed.employee_id
            order by followed.valid_from_at
        ) as valid_to_at
    from followed
    where followed.is_move
),

places as (
    select
        stretches.employee_id,
        stretches.department_id,
        true as is_primary,
        stretches.valid_from_at,
        stretches.valid_to_at,
        stretches.valid_to_at is null as is_current
    from stretches
    union all
    select
        memberships.employee_id,
        memberships.department_id,
        false as is_primary,
        null as valid_from_at,
        null as valid_to_at,
        true as is_current
    from memberships
    where not memberships.is_primary
),

final as (
    select
        cast(places.employee_id as varchar) as employee_id,
        cast(places.department_id as varchar) as department_id,
        cast(places.is_primary as boolean) as is_primary,
        cast(places.valid_from_at as timestamp) as valid_from_at,
        cast(places.valid_to_at as timestamp) as valid_to_at,
        cast(places.is_current as boolean) as is_current
    from places
)

select * from final
