-- All departments' months are the funnel, and the days' money the months'.
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

all_departments as (
    select
        month_date,
        sum(new_customers) as new_customers,
        sum(interactions) as interactions,
        sum(activities) as activities,
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('kpi_department_month') }}
    group by month_date
),

days as (
    select
        {{ month_of('calendar_date') }} as month_date,
        department_id,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('kpi_department_day') }}
    group by
        {{ month_of('calendar_date') }},
        department_id
),

different_totals as (
    select
        coalesce(company.month_date, all_departments.month_date) as month_date,
        'all' as department_id
    from company
    full outer join all_departments on company.month_date = all_departments.month_date
    where
        coalesce(company.new_customers, 0) != coalesce(all_departments.new_customers, 0)
        or coalesce(company.interactions, 0) != coalesce(all_departments.interactions, 0)
        or coalesce(company.activities, 0) != coalesce(all_departments.activities, 0)
        or coalesce(company.orders, 0) != coalesce(all_departments.orders, 0)
        or coalesce(company.sales_amount, 0) != coalesce(all_departments.sales_amount, 0)
        or coalesce(company.revenue_amount, 0) != coalesce(all_departments.revenue_amount, 0)
        or coalesce(company.collected_amount, 0) != coalesce(all_departments.collected_amount, 0)
),

different_days as (
    select
        coalesce(months.month_date, days.month_date) as month_date,
        coalesce(months.department_id, days.department_id) as department_id
    from {{ ref('kpi_department_month') }} as months
    full outer join days
        on
            months.month_date = days.month_date
            and months.department_id = days.department_id
    where
        coalesce(months.sales_amount, 0) != coalesce(days.sales_amount, 0)
        or coalesce(months.revenue_amount, 0) != coalesce(days.revenue_amount, 0)
        or coalesce(months.collected_amount, 0) != coalesce(days.collected_amount, 0)
),

final as (
    select * from different_totals
    union all
    select * from different_days
)

select * from final
