with catalogue as (
    select * from {{ ref('metric_catalogue') }}
),

final as (
    select
        cast(catalogue.metric as string) as metric,
        cast(catalogue.report as string) as report,
        cast(catalogue.block as string) as block,
        cast(catalogue.label_vi as string) as label_vi,
        cast(catalogue.label_en as string) as label_en,
        cast(catalogue.unit as string) as unit,
        cast(catalogue.direction as string) as direction,
        cast(catalogue.owner_role as string) as owner_role,
        cast(catalogue.date_role as string) as date_role,
        cast(catalogue.additive as string) as additive,
        cast(catalogue.formula as string) as formula,
        cast(catalogue.formula_vi as string) as formula_vi,
        cast(catalogue.mart as string) as mart,
        cast(catalogue.measure as string) as measure,
        cast(catalogue.owner_column as string) as owner_column,
        cast(catalogue.date_column as string) as date_column,
        cast(catalogue.mart_filter as string) as mart_filter,
        cast(catalogue.detail_mart as string) as detail_mart,
        cast(catalogue.detail_owner_column as string) as detail_owner_column,
        cast(catalogue.detail_date_column as string) as detail_date_column,
        cast(catalogue.detail_filter as string) as detail_filter,
        cast(catalogue.detail_value as string) as detail_value,
        cast(catalogue.numerator as string) as numerator,
        cast(catalogue.denominator as string) as denominator,
        cast(catalogue.crm_difference as string) as crm_difference,
        cast(catalogue.crm_difference_vi as string) as crm_difference_vi
    from catalogue
)

select * from final
