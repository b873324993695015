with provinces as (
    select * from {{ ref('core_provinces') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        provinces.province_id,
        provinces.province_name,
        provinces.is_deleted,
        false as is_placeholder
    from provinces
    union all
    select
        placeholders.member_id as province_id,
        placeholders.member_name as province_name,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join provinces on placeholders.member_id = provinces.province_id
    where provinces.province_id is null
),

final as (
    select
        cast(members.province_id as string) as province_id,
        cast(members.province_name as string) as province_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
