-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_projects.project_id,
        dim_projects.project_name,
        dim_projects.is_deleted,
        dim_projects.is_placeholder
    from {{ in_this_database(ref('dim_projects')) }} as dim_projects
    where {{ viewer_has_any_scope() }}
)

select * from final
