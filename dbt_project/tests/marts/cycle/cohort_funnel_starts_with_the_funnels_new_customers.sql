-- The true funnel starts with the customers that the event funnel counts as new, per month and owner at creation.
with cohort_funnel as (
    select
        cohort_month_date as month_date,
        manager_id as employee_id,
        customers
    from {{ ref('kpi_cohort_funnel') }}
),

funnel as (
    select
        month_date,
        employee_id,
        new_customers
    from {{ ref('fct_funnel') }}
),

final as (
    select
        coalesce(cohort_funnel.month_date, funnel.month_date) as month_date,
        coalesce(cohort_funnel.employee_id, funnel.employee_id) as employee_id,
        cohort_funnel.customers,
        funnel.new_customers
    from cohort_funnel
    full outer join funnel
        on
            cohort_funnel.month_date = funnel.month_date
            and cohort_funnel.employee_id = funnel.employee_id
    where coalesce(cohort_funnel.customers, 0) != coalesce(funnel.new_customers, 0)
)

select * from final
