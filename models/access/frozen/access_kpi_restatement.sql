with final as (
    select
        kpi_restatement.month_date,
        kpi_restatement.subject_level,
        kpi_restatement.subject_id,
        kpi_restatement.metric,
        kpi_restatement.version,
        kpi_restatement.unit,
        kpi_restatement.changes_with_time,
        kpi_restatement.frozen_as_of_date,
        kpi_restatement.frozen_value,
        kpi_restatement.now_value,
        kpi_restatement.difference_value,
        kpi_restatement.frozen_numerator,
        kpi_restatement.now_numerator,
        kpi_restatement.frozen_denominator,
        kpi_restatement.now_denominator,
        kpi_restatement.frozen_target_value,
        kpi_restatement.now_target_value,
        kpi_restatement.frozen_attainment_rate,
        kpi_restatement.now_attainment_rate,
        kpi_restatement.frozen_attainment_with_below_rate,
        kpi_restatement.now_attainment_with_below_rate
    from {{ in_this_database(ref('kpi_restatement')) }} as kpi_restatement
    where
        (
            kpi_restatement.subject_level = 'employee'
            and {{ in_viewer_scope('kpi_restatement.subject_id', ['employee']) | indent(8) }}
        )
        or (
            kpi_restatement.subject_level = 'department'
            and {{ in_viewer_department_scope('kpi_restatement.subject_id', ['department']) | indent(8) }}
        )
        -- Only who may see everybody may see what belongs to unknown people.
        or (
            kpi_restatement.subject_level = 'company'
            and {{ in_viewer_scope("'unknown'", ['employee']) | indent(8) }}
        )
)

select * from final
