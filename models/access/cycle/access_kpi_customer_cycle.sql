with final as (
    select
        kpi_customer_cycle.window_days,
        kpi_customer_cycle.result_type,
        kpi_customer_cycle.result_id,
        kpi_customer_cycle.breakdown,
        kpi_customer_cycle.member_id,
        kpi_customer_cycle.manager_id,
        kpi_customer_cycle.customers,
        kpi_customer_cycle.excluded_negative,
        kpi_customer_cycle.counted_customers,
        kpi_customer_cycle.converted,
        kpi_customer_cycle.conversion_rate,
        kpi_customer_cycle.total_days,
        kpi_customer_cycle.mean_days,
        kpi_customer_cycle.median_days,
        kpi_customer_cycle.km_median_days
    from {{ in_this_database(ref('kpi_customer_cycle')) }} as kpi_customer_cycle
    where {{ in_viewer_scope('kpi_customer_cycle.manager_id', ['employee', 'customer']) }}
)

select * from final
