with final as (
    select
        kpi_target_attainment.period_start,
        kpi_target_attainment.period_end,
        kpi_target_attainment.employee_id,
        kpi_target_attainment.department_id,
        kpi_target_attainment.metric,
        kpi_target_attainment.target_number,
        kpi_target_attainment.has_known_metric,
        kpi_target_attainment.direction,
        kpi_target_attainment.target_value,
        kpi_target_attainment.actual_value,
        kpi_target_attainment.attainment_rate,
        kpi_target_attainment.attainment_capped_rate,
        kpi_target_attainment.actual_value_with_below,
        kpi_target_attainment.attainment_with_below_rate,
        kpi_target_attainment.weight,
        kpi_target_attainment.weighted_rate,
        kpi_target_attainment.weighted_capped_rate,
        kpi_target_attainment.period_days,
        kpi_target_attainment.elapsed_days,
        kpi_target_attainment.elapsed_rate
    from {{ in_this_database(ref('kpi_target_attainment')) }} as kpi_target_attainment
    where
        (
            kpi_target_attainment.department_id = 'none'
            and {{ in_viewer_scope('kpi_target_attainment.employee_id', ['employee', 'targets']) | indent(8) }}
        )
        -- 'none' is no employee here: a right over the rows of nobody opens no department's target.
        or (
            kpi_target_attainment.department_id != 'none'
            and {{ in_viewer_department_scope('kpi_target_attainment.department_id', ['department']) | indent(8) }}
        )
)

select * from final
