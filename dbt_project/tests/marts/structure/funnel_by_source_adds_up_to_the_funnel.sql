-- The split columns over all sources are the funnel's own figures, per month and employee, to the cent and to the last customer.
with by_source as (
    select
        month_date,
        employee_id,
        sum(new_customers_split) as new_customers,
        sum(orders_split) as orders,
        sum(sales_split_amount) as sales_amount,
        sum(revenue_split_amount) as revenue_amount
    from {{ ref('fct_funnel_by_source') }}
    group by
        month_date,
        employee_id
),

final as (
    select
        coalesce(funnel.month_date, by_source.month_date) as month_date,
        coalesce(funnel.employee_id, by_source.employee_id) as employee_id,
        funnel.new_customers,
        by_source.new_customers as new_customers_by_source,
        funnel.orders,
        by_source.orders as orders_by_source,
        funnel.sales_amount,
        by_source.sales_amount as sales_amount_by_source,
        funnel.revenue_amount,
        by_source.revenue_amount as revenue_amount_by_source
    from {{ ref('fct_funnel') }} as funnel
    full outer join by_source
        on
            funnel.month_date = by_source.month_date
            and funnel.employee_id = by_source.employee_id
    where
        coalesce(funnel.new_customers, 0) != coalesce(by_source.new_customers, 0)
        or coalesce(funnel.orders, 0) != coalesce(by_source.orders, 0)
        or coalesce(funnel.sales_amount, 0) != coalesce(by_source.sales_amount, 0)
        or coalesce(funnel.revenue_amount, 0) != coalesce(by_source.revenue_amount, 0)
)

select * from final
