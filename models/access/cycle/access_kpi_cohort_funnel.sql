with final as (
    select
        kpi_cohort_funnel.cohort_month_date,
        kpi_cohort_funnel.manager_id,
        kpi_cohort_funnel.customers,
        kpi_cohort_funnel.with_interaction,
        kpi_cohort_funnel.with_task,
        kpi_cohort_funnel.with_order,
        kpi_cohort_funnel.with_payment,
        kpi_cohort_funnel.revenue_amount,
        kpi_cohort_funnel.with_interaction_rate,
        kpi_cohort_funnel.with_task_rate,
        kpi_cohort_funnel.with_order_rate,
        kpi_cohort_funnel.with_payment_rate,
        kpi_cohort_funnel.task_step_rate,
        kpi_cohort_funnel.order_step_rate,
        kpi_cohort_funnel.payment_step_rate
    from {{ in_this_database(ref('kpi_cohort_funnel')) }} as kpi_cohort_funnel
    where {{ in_viewer_scope('kpi_cohort_funnel.manager_id', ['employee', 'customer']) }}
)

select * from final
