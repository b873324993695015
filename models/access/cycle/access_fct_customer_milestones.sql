with final as (
    select
        fct_customer_milestones.customer_id,
        fct_customer_milestones.cohort_month_date,
        fct_customer_milestones.manager_id,
        fct_customer_milestones.first_interaction_date,
        fct_customer_milestones.first_task_date,
        fct_customer_milestones.first_order_date,
        fct_customer_milestones.first_payment_date,
        fct_customer_milestones.has_reached_interaction,
        fct_customer_milestones.has_reached_task,
        fct_customer_milestones.has_reached_order,
        fct_customer_milestones.has_reached_payment,
        fct_customer_milestones.revenue_amount,
        fct_customer_milestones.is_deleted
    from {{ in_this_database(ref('fct_customer_milestones')) }} as fct_customer_milestones
    where {{ in_viewer_scope('fct_customer_milestones.manager_id', ['employee', 'customer']) }}
)

select * from final
