with final as (
    select
        kpi_department_reconciliation.month_date,
        kpi_department_reconciliation.department_id,
        kpi_department_reconciliation.reconciliation_line,
        kpi_department_reconciliation.new_customers,
        kpi_department_reconciliation.interactions,
        kpi_department_reconciliation.activities,
        kpi_department_reconciliation.orders,
        kpi_department_reconciliation.sales_amount,
        kpi_department_reconciliation.revenue_amount,
        kpi_department_reconciliation.collected_amount
    from {{ in_this_database(ref('kpi_department_reconciliation')) }} as kpi_department_reconciliation
    where {{ in_viewer_department_scope('kpi_department_reconciliation.department_id', ['department']) }}
)

select * from final
