with final as (
    select
        kpi_customer_month.month_date,
        kpi_customer_month.manager_id,
        kpi_customer_month.new_customers,
        kpi_customer_month.new_customers_current,
        kpi_customer_month.customers_in_charge,
        kpi_customer_month.customers_in_charge_current,
        kpi_customer_month.customer_emails_read,
        kpi_customer_month.customer_emails_read_current,
        kpi_customer_month.customer_sms_delivered,
        kpi_customer_month.customer_sms_delivered_current,
        kpi_customer_month.customer_calls_answered,
        kpi_customer_month.customer_calls_answered_current,
        kpi_customer_month.customer_call_seconds,
        kpi_customer_month.customer_call_seconds_current,
        kpi_customer_month.customer_tasks,
        kpi_customer_month.customer_tasks_current,
        kpi_customer_month.customer_interactions,
        kpi_customer_month.customer_interactions_current,
        kpi_customer_month.customer_orders,
        kpi_customer_month.customer_orders_current,
        kpi_customer_month.customer_sales_amount,
        kpi_customer_month.customer_sales_amount_current,
        kpi_customer_month.customer_revenue_amount,
        kpi_customer_month.customer_revenue_amount_current,
        kpi_customer_month.customer_collected_amount,
        kpi_customer_month.customer_collected_amount_current
    from {{ in_this_database(ref('kpi_customer_month')) }} as kpi_customer_month
    where {{ in_viewer_scope('kpi_customer_month.manager_id', ['employee', 'customer']) }}
)

select * from final
