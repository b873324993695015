with final as (
    select
        kpi_department_member_month.month_date,
        kpi_department_member_month.department_id,
        kpi_department_member_month.employee_id,
        kpi_department_member_month.new_customers,
        kpi_department_member_month.customers_in_charge,
        kpi_department_member_month.customers_in_charge_current,
        kpi_department_member_month.interactions,
        kpi_department_member_month.activities,
        kpi_department_member_month.orders,
        kpi_department_member_month.sales_amount,
        kpi_department_member_month.revenue_amount,
        kpi_department_member_month.collected_amount,
        kpi_department_member_month.department_revenue_amount,
        kpi_department_member_month.revenue_share_rate,
        kpi_department_member_month.revenue_rank
    from {{ in_this_database(ref('kpi_department_member_month')) }} as kpi_department_member_month
    where {{ in_viewer_department_scope('kpi_department_member_month.department_id', ['department']) }}
)

select * from final
