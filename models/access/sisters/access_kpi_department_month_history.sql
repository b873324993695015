with final as (
    select
        kpi_department_month_history.month_date,
        kpi_department_month_history.department_id,
        kpi_department_month_history.interactions,
        kpi_department_month_history.activities,
        kpi_department_month_history.orders,
        kpi_department_month_history.sales_amount,
        kpi_department_month_history.revenue_amount,
        kpi_department_month_history.collected_amount
    from {{ in_this_database(ref('kpi_department_month_history')) }} as kpi_department_month_history
    where {{ in_viewer_department_scope('kpi_department_month_history.department_id', ['department']) }}
)

select * from final
