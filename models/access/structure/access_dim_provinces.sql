-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_provinces.province_id,
        dim_provinces.province_name,
        dim_provinces.is_deleted,
        dim_provinces.is_placeholder
    from {{ in_this_database(ref('dim_provinces')) }} as dim_provinces
    where {{ viewer_has_any_scope() }}
)

select * from final
