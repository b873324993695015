with projects as (
    select * from {{ ref('core_projects') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        projects.project_id,
        projects.project_name,
        projects.is_deleted,
        false as is_placeholder
    from projects
    union all
    select
        placeholders.member_id as project_id,
        placeholders.member_name as project_name,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join projects on placeholders.member_id = projects.project_id
    where projects.project_id is null
),

final as (
    select
        cast(members.project_id as string) as project_id,
        cast(members.project_name as string) as project_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
