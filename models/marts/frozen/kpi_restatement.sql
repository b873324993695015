with snapshot_metrics as (
    select * from {{ ref('snapshot_metrics') }}
),

frozen_figures as (
    select * from {{ ref('kpi_monthly_snapshot') }}
    where is_latest
),

figures_now as (
    select * from {{ ref('kpi_month_figures') }}
),

-- What was frozen of a month: its company has a row of every figure. What is frozen no more, or was not yet, is not compared.
compared_metrics as (
    select
        frozen_figures.month_date,
        frozen_figures.metric,
        frozen_figures.version,
        frozen_figures.unit,
        frozen_figures.changes_with_time,
        frozen_figures.as_of_date,
        frozen_figures.denominator is not null as is_rate
    from frozen_figures
    inner join snapshot_metrics on frozen_figures.metric = snapshot_metrics.metric
    where frozen_figures.subject_level = 'company'
),

keys as (
    select
        month_date,
        subject_level,
        subject_id,
        metric
    from frozen_figures
    union
    select
        month_date,
        subject_level,
        subject_id,
        metric
    from figures_now
),

-- Without a row a figure is 0; a rate without a row has nothing to divide by.
compared as (
    select
        keys.month_date,
        keys.subject_level,
        keys.subject_id,
        keys.metric,
        compared_metrics.version,
        compared_metrics.unit,
        compared_metrics.changes_with_time,
        compared_metrics.as_of_date,
        case when compared_metrics.is_rate then frozen_figures.value else coalesce(frozen_figures.value, 0) end as frozen_value,
        case when compared_metrics.is_rate then figures_now.value else coalesce(figures_now.value, 0) end as now_value,
        frozen_figures.numerator as frozen_numerator,
        figures_now.numerator as now_numerator,
        frozen_figures.denominator as frozen_denominator,
        figures_now.denominator as now_denominator,
        frozen_figures.target_value as frozen_target_value,
        figures_now.target_value as now_target_value,
        frozen_figures.attainment_rate as frozen_attainment_rate,
        figures_now.attainment_rate as now_attainment_rate,
        frozen_figures.attainment_with_below_rate as frozen_attainment_with_below_rate,
        figures_now.attainment_with_below_rate as now_attainment_with_below_rate
    from keys
    inner join compared_metrics
        on
            keys.month_date = compared_metrics.month_date
            and keys.metric = compared_metrics.metric
    left join frozen_figures
        on
            keys.month_date = frozen_figures.month_date
            and keys.subject_level = frozen_figures.subject_level
            and keys.subject_id = frozen_figures.subject_id
            and keys.metric = frozen_figures.metric
    left join figures_now
        on
            keys.month_date = figures_now.month_date
            and keys.subject_level = figures_now.subject_level
            and keys.subject_id = figures_now.subject_id
            and keys.metric = figures_now.metric
),

final as (
    select
        cast(month_date as date) as month_date,
        cast(subject_level as string) as subject_level,
        cast(subject_id as string) as subject_id,
        cast(metric as string) as metric,
        cast(version as bigint) as version,
        cast(unit as string) as unit,
        cast(changes_with_time as boolean) as changes_with_time,
        cast(as_of_date as date) as frozen_as_of_date,
        cast(frozen_value as decimal(24, 6)) as frozen_value,
        cast(now_value as decimal(24, 6)) as now_value,
        cast(now_value - frozen_value as decimal(24, 6)) as difference_value,
        cast(frozen_numerator as decimal(24, 6)) as frozen_numerator,
        cast(now_numerator as decimal(24, 6)) as now_numerator,
        cast(frozen_denominator as decimal(24, 6)) as frozen_denominator,
        cast(now_denominator as decimal(24, 6)) as now_denominator,
        cast(frozen_target_value as decimal(18, 4)) as frozen_target_value,
        cast(now_target_value as decimal(18, 4)) as now_target_value,
        cast(frozen_attainment_rate as double) as frozen_attainment_rate,
        cast(now_attainment_rate as double) as now_attainment_rate,
        cast(frozen_attainment_with_below_rate as double) as frozen_attainment_with_below_rate,
        cast(now_attainment_with_below_rate as double) as now_attainment_with_below_rate
    from compared
    where
        frozen_value is distinct from now_value
        or frozen_numerator is distinct from now_numerator
        or frozen_denominator is distinct from now_denominator
        or frozen_target_value is distinct from now_target_value
        or frozen_attainment_rate is distinct from now_attainment_rate
        or frozen_attainment_with_below_rate is distinct from now_attainment_with_below_rate
)

select * from final
