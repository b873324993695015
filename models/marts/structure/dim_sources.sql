with sources as (
    select * from {{ ref('core_sources') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        sources.source_id,
        sources.source_name,
        sources.parent_source_id,
        sources.is_deleted,
        false as is_placeholder
    from sources
    union all
    select
        placeholders.member_id as source_id,
        placeholders.member_name as source_name,
        'none' as parent_source_id,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join sources on placeholders.member_id = sources.source_id
    where sources.source_id is null
),

final as (
    select
        cast(members.source_id as string) as source_id,
        cast(members.source_name as string) as source_name,
        cast(members.parent_source_id as string) as parent_source_id,
        cast(parents.source_name as string) as parent_source_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
    left join members as parents on members.parent_source_id = parents.source_id
)

select * from final
