-- What real departments have and what the named lines have is what the company has.
with company as (
    select
        month_date,
        sum(new_customers) as new_customers,
        sum(interactions) as interactions,
        sum(activities) as activities,
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('fct_funnel') }}
    group by month_date
),

named as (
    select
        month_date,
        new_customers,
        interactions,
        activities,
        orders,
        sales_amount,
        revenue_amount,
        collected_amount
    from {{ ref('kpi_department_month') }}
    where department_id not in ('none', 'unknown')
    union all
    select
        month_date,
        new_customers,
        interactions,
        activities,
        orders,
        sales_amount,
        revenue_amount,
        collected_amount
    from {{ ref('kpi_department_reconciliation') }}
),

explained as (
    select
        month_date,
        sum(new_customers) as new_customers,
        sum(interactions) as interactions,
        sum(activities) as activities,
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from named
    group by month_date
),

final as (
    select coalesce(company.month_date, explained.month_date) as month_date
    from company
    full outer join explained on company.month_date = explained.month_date
    where
        coalesce(company.new_customers, 0) != coalesce(explained.new_customers, 0)
        or coalesce(company.interactions, 0) != coalesce(explained.interactions, 0)
        or coalesce(company.activities, 0) != coalesce(explained.activities, 0)
        or coalesce(company.orders, 0) != coalesce(explained.orders, 0)
        or coalesce(company.sales_amount, 0) != coalesce(explained.sales_amount, 0)
        or coalesce(company.revenue_amount, 0) != coalesce(explained.revenue_amount, 0)
        or coalesce(company.collected_amount, 0) != coalesce(explained.collected_amount, 0)
)

select * from final
