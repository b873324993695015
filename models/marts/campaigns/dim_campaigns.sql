with campaigns as (
    select * from {{ ref('core_campaigns') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        campaigns.campaign_id,
        campaigns.campaign_name,
        campaigns.is_deleted,
        false as is_placeholder
    from campaigns
    union all
    select
        placeholders.member_id as campaign_id,
        placeholders.member_name as campaign_name,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join campaigns on placeholders.member_id = campaigns.campaign_id
    where campaigns.campaign_id is null
),

final as (
    select
        cast(members.campaign_id as string) as campaign_id,
        cast(members.campaign_name as string) as campaign_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
