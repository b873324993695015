-- What a figure means says nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_metrics.metric,
        dim_metrics.report,
        dim_metrics.block,
        dim_metrics.label_vi,
        dim_metrics.label_en,
        dim_metrics.unit,
        dim_metrics.direction,
        dim_metrics.owner_role,
        dim_metrics.date_role,
        dim_metrics.additive,
        dim_metrics.formula,
        dim_metrics.formula_vi,
        dim_metrics.mart,
        dim_metrics.measure,
        dim_metrics.owner_column,
        dim_metrics.date_column,
        dim_metrics.mart_filter,
        dim_metrics.detail_mart,
        dim_metrics.detail_owner_column,
        dim_metrics.detail_date_column,
        dim_metrics.detail_filter,
        dim_metrics.detail_value,
        dim_metrics.numerator,
        dim_metrics.denominator,
        dim_metrics.crm_difference,
        dim_metrics.crm_difference_vi
    from {{ in_this_database(ref('dim_metrics')) }} as dim_metrics
    where {{ viewer_has_any_scope() }}
)

select * from final
