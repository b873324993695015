with frozen_rows as (
    select * from {{ frozen('figures') }}
),

final as (
    select
        month_date,
        version,
        subject_level,
        subject_id,
        metric,
        unit,
        changes_with_time,
        value,
        numerator,
        denominator,
        target_value,
        target_direction,
        target_weight,
        attainment_rate,
        actual_value_with_below,
        attainment_with_below_rate,
        input_batches
    from frozen_rows
)

select * from final
