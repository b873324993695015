-- What the cohorts brought, plus what belongs to no known customer, is what all orders dated by as_of brought.
with cohorts as (
    select sum(revenue_amount) as revenue_amount
    from {{ ref('kpi_cohort_funnel') }}
),

orders as (
    select
        sum(revenue_amount) as revenue_amount,
        sum(case when customer_id in ('none', 'unknown') then revenue_amount else 0 end) as nobodys_revenue_amount
    from {{ ref('fct_orders') }}
    where order_date <= {{ as_of() }}
),

final as (
    select
        orders.revenue_amount,
        orders.nobodys_revenue_amount,
        cohorts.revenue_amount as cohorts_revenue_amount
    from orders
    cross join cohorts
    where
        coalesce(orders.revenue_amount, 0)
        != coalesce(cohorts.revenue_amount, 0) + coalesce(orders.nobodys_revenue_amount, 0)
)

select * from final
