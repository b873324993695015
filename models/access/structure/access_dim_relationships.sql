-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_relationships.relationship_id,
        dim_relationships.relationship_name,
        dim_relationships.relationship_order,
        dim_relationships.is_default,
        dim_relationships.is_deleted,
        dim_relationships.is_placeholder
    from {{ in_this_database(ref('dim_relationships')) }} as dim_relationships
    where {{ viewer_has_any_scope() }}
)

select * from final
