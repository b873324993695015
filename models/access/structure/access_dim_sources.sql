-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_sources.source_id,
        dim_sources.source_name,
        dim_sources.parent_source_id,
        dim_sources.parent_source_name,
        dim_sources.is_deleted,
        dim_sources.is_placeholder
    from {{ in_this_database(ref('dim_sources')) }} as dim_sources
    where {{ viewer_has_any_scope() }}
)

select * from final
