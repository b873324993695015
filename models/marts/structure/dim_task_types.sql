with task_types as (
    select * from {{ ref('core_task_types') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        task_types.task_type_id,
        task_types.task_type_name,
        task_types.is_deleted,
        false as is_placeholder
    from task_types
    union all
    select
        placeholders.member_id as task_type_id,
        placeholders.member_name as task_type_name,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join task_types on placeholders.member_id = task_types.task_type_id
    where task_types.task_type_id is null
),

final as (
    select
        cast(members.task_type_id as string) as task_type_id,
        cast(members.task_type_name as string) as task_type_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
