-- Every step of the true funnel is the number of its customers, found by the month, the owner at creation and the step.
with figures as (
    select * from {{ ref('kpi_cohort_funnel') }}
),

detail as (
    select
        cohort_month_date,
        manager_id,
        count(*) as customers,
        sum(case when has_reached_interaction then 1 else 0 end) as with_interaction,
        sum(case when has_reached_task then 1 else 0 end) as with_task,
        sum(case when has_reached_order then 1 else 0 end) as with_order,
        sum(case when has_reached_payment then 1 else 0 end) as with_payment,
        sum(revenue_amount) as revenue_amount
    from {{ ref('fct_customer_milestones') }}
    group by
        cohort_month_date,
        manager_id
),

final as (
    select
        coalesce(figures.cohort_month_date, detail.cohort_month_date) as cohort_month_date,
        coalesce(figures.manager_id, detail.manager_id) as manager_id
    from figures
    full outer join detail
        on
            figures.cohort_month_date = detail.cohort_month_date
            and figures.manager_id = detail.manager_id
    where
        figures.customers is distinct from detail.customers
        or figures.with_interaction is distinct from detail.with_interaction
        or figures.with_task is distinct from detail.with_task
        or figures.with_order is distinct from detail.with_order
        or figures.with_payment is distinct from detail.with_payment
        or figures.revenue_amount is distinct from detail.revenue_amount
)

select * from final
