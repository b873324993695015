-- A metric of the seed is one that kpi_month_figures knows how to make, and a rate's parts are frozen with it.
with months as (
    select max(month_date) as month_date
    from {{ ref('kpi_month_figures') }}
),

made as (
    select distinct figures.metric
    from {{ ref('kpi_month_figures') }} as figures
    inner join months on figures.month_date = months.month_date
    where figures.subject_level = 'company'
),

final as (
    select
        snapshot_metrics.metric,
        snapshot_metrics.metric || ' is listed, but kpi_month_figures makes no figure of it; of a rate, numerator and denominator must be '
        || 'listed as well' as problem
    from {{ ref('snapshot_metrics') }} as snapshot_metrics
    left join made on snapshot_metrics.metric = made.metric
    where made.metric is null
)

select * from final
