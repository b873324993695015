with catalogue as (
    select * from {{ ref('metric_catalogue') }}
),

final as (
    select
        cast(catalogue.metric as varchar) as metric,
        cast(catalogue.report as varchar) as report,
        cast(catalogue.block as varchar) as block,
        cast(catalogue.label_vi as varchar) as label_vi,
        cast(catalogue.label_en as varchar) as label_en,
        cast(catalogue.unit as varchar) as unit,
        cast(catalogue.direction as varchar) as direction,
        cast(catalogue.owner_role as varchar) as owner_role,
        cast(catalogue.date_role as varchar) as date_role,
        cast(catalogue.additive as varchar) as additive,
        cast(catalogue.formula as varchar) as formula,
        cast(catalogue.formula_vi as varchar) as formula_vi,
        cast(catalogue.mart as varchar) as mart,
        cast(catalogue.measure as varchar) as measure,
        cast(catalogue.owner_column as varchar) as owner_column,
        cast(catalogue.date_column as varchar) as date_column,
        cast(catalogue.mart_filter as varchar) as mart_filter,
        cast(catalogue.detail_mart as varchar) as detail_mart,
        cast(catalogue.detail_owner_column as varchar) as detail_owner_column,
        cast(catalogue.detail_date_column as varchar) as detail_date_column,
        cast(catalogue.detail_filter as varchar) as detail_filter,
        cast(catalogue.detail_value as varchar) as detail_value,
        cast(catalogue.numerator as varchar) as numerator,
        cast(catalogue.denominator as varchar) as denominator,
        cast(catalogue.crm_difference as varchar) as crm_difference,
        cast(catalogue.crm_difference_vi as varchar) as crm_difference_vi
    from catalogue
)

select * from final
