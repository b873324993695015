-- Words say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_labels.domain,
        dim_labels.code,
        dim_labels.label_vi,
        dim_labels.label_en,
        dim_labels.sort_order
    from {{ in_this_database(ref('dim_labels')) }} as dim_labels
    where {{ viewer_has_any_scope() }}
)

select * from final
