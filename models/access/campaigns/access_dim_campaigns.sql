-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_campaigns.campaign_id,
        dim_campaigns.campaign_name,
        dim_campaigns.is_deleted,
        dim_campaigns.is_placeholder
    from {{ in_this_database(ref('dim_campaigns')) }} as dim_campaigns
    where {{ viewer_has_any_scope() }}
)

select * from final
