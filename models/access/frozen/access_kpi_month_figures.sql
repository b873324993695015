with final as (
    select
        kpi_month_figures.month_date,
        kpi_month_figures.subject_level,
        kpi_month_figures.subject_id,
        kpi_month_figures.metric,
        kpi_month_figures.unit,
        kpi_month_figures.changes_with_time,
        kpi_month_figures.value,
        kpi_month_figures.numerator,
        kpi_month_figures.denominator,
        kpi_month_figures.target_value,
        kpi_month_figures.target_direction,
        kpi_month_figures.target_weight,
        kpi_month_figures.attainment_rate,
        kpi_month_figures.actual_value_with_below,
        kpi_month_figures.attainment_with_below_rate
    from {{ in_this_database(ref('kpi_month_figures')) }} as kpi_month_figures
    where
        (
            kpi_month_figures.subject_level = 'employee'
            and {{ in_viewer_scope('kpi_month_figures.subject_id', ['employee']) | indent(8) }}
        )
        or (
            kpi_month_figures.subject_level = 'department'
            and {{ in_viewer_department_scope('kpi_month_figures.subject_id', ['department']) | indent(8) }}
        )
        -- Only who may see everybody may see what belongs to unknown people.
        or (
            kpi_month_figures.subject_level = 'company'
            and {{ in_viewer_scope("'unknown'", ['employee']) | indent(8) }}
        )
)

select * from final
