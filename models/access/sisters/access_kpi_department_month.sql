with final as (
    select
        kpi_department_month.month_date,
        kpi_department_month.department_id,
        kpi_department_month.members,
        kpi_department_month.new_customers,
        kpi_department_month.customers_in_charge,
        kpi_department_month.customers_in_charge_current,
        kpi_department_month.interactions,
        kpi_department_month.activities,
        kpi_department_month.orders,
        kpi_department_month.sales_amount,
        kpi_department_month.revenue_amount,
        kpi_department_month.collected_amount,
        kpi_department_month.ordering_customers,
        kpi_department_month.customer_orders_current
    from {{ in_this_database(ref('kpi_department_month')) }} as kpi_department_month
    where {{ in_viewer_department_scope('kpi_department_month.department_id', ['department']) }}
)

select * from final
