-- A cohort has as many customers as the funnel has new ones in its month, and as many live ones per owner as the funnel has current ones.
with cohort as (
    select
        cohort_month_date as month_date,
        count(*) as customers,
        sum(case when is_deleted then 0 else 1 end) as live_customers
    from {{ ref('dim_customer_cohort') }}
    group by cohort_month_date
),

funnel as (
    select
        month_date,
        sum(new_customers) as customers,
        sum(new_customers_current) as live_customers
    from {{ ref('fct_funnel') }}
    group by month_date
),

final as (
    select
        coalesce(cohort.month_date, funnel.month_date) as month_date,
        cohort.customers as cohort_customers,
        funnel.customers as funnel_customers
    from cohort
    full outer join funnel on cohort.month_date = funnel.month_date
    where
        coalesce(cohort.customers, 0) != coalesce(funnel.customers, 0)
        or coalesce(cohort.live_customers, 0) != coalesce(funnel.live_customers, 0)
)

select * from final
