with relationships as (
    select * from {{ ref('core_relationships') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        relationships.relationship_id,
        relationships.relationship_name,
        relationships.relationship_order,
        coalesce(relationships.is_default, false) as is_default,
        relationships.is_deleted,
        false as is_placeholder
    from relationships
    union all
    select
        placeholders.member_id as relationship_id,
        placeholders.member_name as relationship_name,
        null as relationship_order,
        false as is_default,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join relationships on placeholders.member_id = relationships.relationship_id
    where relationships.relationship_id is null
),

final as (
    select
        cast(members.relationship_id as string) as relationship_id,
        cast(members.relationship_name as string) as relationship_name,
        cast(members.relationship_order as integer) as relationship_order,
        cast(members.is_default as boolean) as is_default,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
