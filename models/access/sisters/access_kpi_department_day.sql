with final as (
    select
        kpi_department_day.department_id,
        kpi_department_day.calendar_date,
        kpi_department_day.sales_amount,
        kpi_department_day.revenue_amount,
        kpi_department_day.collected_amount
    from {{ in_this_database(ref('kpi_department_day')) }} as kpi_department_day
    where {{ in_viewer_department_scope('kpi_department_day.department_id', ['department']) }}
)

select * from final
