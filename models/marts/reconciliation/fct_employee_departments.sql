with stretches as (
    select * from {{ ref('dim_employee_department_history') }}
    where not is_placeholder
),

memberships as (
    select * from {{ ref('core_employee_departments') }}
),

places as (
    select
        stretches.employee_id,
        stretches.department_id,
        true as is_primary,
        stretches.valid_from_at,
        stretches.valid_to_at,
        stretches.is_current
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
        cast(places.employee_id as string) as employee_id,
        cast(places.department_id as string) as department_id,
        cast(places.is_primary as boolean) as is_primary,
        cast(places.valid_from_at as timestamp) as valid_from_at,
        cast(places.valid_to_at as timestamp) as valid_to_at,
        cast(places.is_current as boolean) as is_current
    from places
)

select * from final
