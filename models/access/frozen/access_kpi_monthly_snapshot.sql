with final as (
    select
        kpi_monthly_snapshot.month_date,
        kpi_monthly_snapshot.subject_level,
        kpi_monthly_snapshot.subject_id,
        kpi_monthly_snapshot.metric,
        kpi_monthly_snapshot.version,
        kpi_monthly_snapshot.is_latest,
        kpi_monthly_snapshot.unit,
        kpi_monthly_snapshot.changes_with_time,
        kpi_monthly_snapshot.value,
        kpi_monthly_snapshot.numerator,
        kpi_monthly_snapshot.denominator,
        kpi_monthly_snapshot.target_value,
        kpi_monthly_snapshot.target_direction,
        kpi_monthly_snapshot.target_weight,
        kpi_monthly_snapshot.attainment_rate,
        kpi_monthly_snapshot.actual_value_with_below,
        kpi_monthly_snapshot.attainment_with_below_rate,
        kpi_monthly_snapshot.as_of_date,
        kpi_monthly_snapshot.frozen_at,
        kpi_monthly_snapshot.code_version,
        kpi_monthly_snapshot.reason,
        kpi_monthly_snapshot.input_batches
    from {{ in_this_database(ref('kpi_monthly_snapshot')) }} as kpi_monthly_snapshot
    where
        (
            kpi_monthly_snapshot.subject_level = 'employee'
            and {{ in_viewer_scope('kpi_monthly_snapshot.subject_id', ['employee']) | indent(8) }}
        )
        or (
            kpi_monthly_snapshot.subject_level = 'department'
            and {{ in_viewer_department_scope('kpi_monthly_snapshot.subject_id', ['department']) | indent(8) }}
        )
        -- Only who may see everybody may see what belongs to unknown people.
        or (
            kpi_monthly_snapshot.subject_level = 'company'
            and {{ in_viewer_scope("'unknown'", ['employee']) | indent(8) }}
        )
)

select * from final
