with versions as (
    select * from {{ ref('core_employees_history') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A version that leaves the department as it was starts nothing.
compared as (
    select
        versions.employee_id,
        versions.department_id,
        versions.valid_from_at,
        lag(versions.department_id) over (
            partition by versions.employee_id order by versions.valid_from_at
        ) as previous_department_id
    from versions
),

starts as (
    select
        compared.employee_id,
        compared.department_id,
        compared.valid_from_at,
        row_number() over (
            partition by compared.employee_id order by compared.valid_from_at
        ) as stretch_number
    from compared
    where
        compared.previous_department_id is null
        or compared.previous_department_id != compared.department_id
),

-- The first department is open to the past, and the last one to the future: no event lies outside.
stretches as (
    select
        starts.employee_id,
        starts.department_id,
        case when starts.stretch_number = 1 then cast('1900-01-01' as timestamp) else starts.valid_from_at end as valid_from_at,
        lead(starts.valid_from_at) over (
            partition by starts.employee_id order by starts.valid_from_at
        ) as valid_to_at,
        false as is_placeholder
    from starts
    union all
    select
        placeholders.member_id as employee_id,
        placeholders.member_id as department_id,
        cast('1900-01-01' as timestamp) as valid_from_at,
        null as valid_to_at,
        true as is_placeholder
    from placeholders
),

final as (
    select
        cast(stretches.employee_id as string) as employee_id,
        cast(stretches.department_id as string) as department_id,
        cast(stretches.valid_from_at as timestamp) as valid_from_at,
        cast(stretches.valid_to_at as timestamp) as valid_to_at,
        cast(stretches.valid_to_at is null as boolean) as is_current,
        cast(stretches.is_placeholder as boolean) as is_placeholder
    from stretches
)

select * from final
