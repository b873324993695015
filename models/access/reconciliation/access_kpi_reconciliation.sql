with final as (
    select
        kpi_reconciliation.topic,
        kpi_reconciliation.metric,
        kpi_reconciliation.month_date,
        kpi_reconciliation.employee_id,
        kpi_reconciliation.department_id,
        kpi_reconciliation.line_number,
        kpi_reconciliation.line,
        kpi_reconciliation.line_kind,
        kpi_reconciliation.figure_metric,
        kpi_reconciliation.value,
        kpi_reconciliation.unit
    from {{ in_this_database(ref('kpi_reconciliation')) }} as kpi_reconciliation
    where
        (
            kpi_reconciliation.department_id = 'none'
            and {{ in_viewer_scope('kpi_reconciliation.employee_id', ['employee']) | indent(8) }}
        )
        -- 'none' is no employee here: a right over the rows of nobody opens no department.
        or (
            kpi_reconciliation.department_id != 'none'
            and {{ in_viewer_department_scope('kpi_reconciliation.department_id', ['department']) | indent(8) }}
        )
)

select * from final
