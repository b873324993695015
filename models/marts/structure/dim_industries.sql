with industries as (
    select * from {{ ref('core_industries') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        industries.industry_id,
        industries.industry_name,
        industries.is_deleted,
        false as is_placeholder
    from industries
    union all
    select
        placeholders.member_id as industry_id,
        placeholders.member_name as industry_name,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join industries on placeholders.member_id = industries.industry_id
    where industries.industry_id is null
),

final as (
    select
        cast(members.industry_id as string) as industry_id,
        cast(members.industry_name as string) as industry_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
