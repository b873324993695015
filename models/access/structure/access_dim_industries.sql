-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_industries.industry_id,
        dim_industries.industry_name,
        dim_industries.is_deleted,
        dim_industries.is_placeholder
    from {{ in_this_database(ref('dim_industries')) }} as dim_industries
    where {{ viewer_has_any_scope() }}
)

select * from final
