with figures as (
    select * from {{ ref('stg_frozen__figures') }}
),

versions as (
    select * from {{ ref('stg_frozen__versions') }}
),

final as (
    select
        cast(figures.month_date as date) as month_date,
        cast(figures.subject_level as string) as subject_level,
        cast(figures.subject_id as string) as subject_id,
        cast(figures.metric as string) as metric,
        cast(figures.version as bigint) as version,
        cast(versions.is_latest as boolean) as is_latest,
        cast(figures.unit as string) as unit,
        cast(figures.changes_with_time as boolean) as changes_with_time,
        cast(figures.value as decimal(24, 6)) as value,
        cast(figures.numerator as decimal(24, 6)) as numerator,
        cast(figures.denominator as decimal(24, 6)) as denominator,
        cast(figures.target_value as decimal(18, 4)) as target_value,
        cast(figures.target_direction as string) as target_direction,
        cast(figures.target_weight as decimal(9, 6)) as target_weight,
        cast(figures.attainment_rate as double) as attainment_rate,
        cast(figures.actual_value_with_below as decimal(18, 2)) as actual_value_with_below,
        cast(figures.attainment_with_below_rate as double) as attainment_with_below_rate,
        cast(versions.as_of_date as date) as as_of_date,
        cast(versions.frozen_at as timestamp) as frozen_at,
        cast(versions.code_version as string) as code_version,
        cast(versions.reason as string) as reason,
        cast(figures.input_batches as string) as input_batches
    from figures
    inner join versions
        on
            figures.month_date = versions.month_date
            and figures.version = versions.version
)

select * from final
