-- Every figure of the funnel by source is the sum over the rows of its detail mart, and the funnel's new customers are its customers.
with customer_details as (
    select
        month_date,
        employee_id,
        source_id,
        count(*) as new_customers,
        sum(new_customers_split) as new_customers_split
    from {{ ref('fct_new_customer_sources') }}
    group by
        month_date,
        employee_id,
        source_id
),

order_details as (
    select
        month_date,
        executor_id as employee_id,
        source_id,
        count(case when orders = 1 then order_id end) as orders,
        sum(orders_split) as orders_split,
        sum(sales_amount) as sales_amount,
        sum(sales_split_amount) as sales_split_amount,
        sum(revenue_amount) as revenue_amount,
        sum(revenue_split_amount) as revenue_split_amount
    from {{ ref('fct_order_sources') }}
    group by
        month_date,
        executor_id,
        source_id
),

details as (
    select
        coalesce(customer_details.month_date, order_details.month_date) as month_date,
        coalesce(customer_details.employee_id, order_details.employee_id) as employee_id,
        coalesce(customer_details.source_id, order_details.source_id) as source_id,
        coalesce(customer_details.new_customers, 0) as new_customers,
        coalesce(customer_details.new_customers_split, 0) as new_customers_split,
        coalesce(order_details.orders, 0) as orders,
        coalesce(order_details.orders_split, 0) as orders_split,
        coalesce(order_details.sales_amount, 0) as sales_amount,
        coalesce(order_details.sales_split_amount, 0) as sales_split_amount,
        coalesce(order_details.revenue_amount, 0) as revenue_amount,
        coalesce(order_details.revenue_split_amount, 0) as revenue_split_amount
    from customer_details
    full outer join order_details
        on
            customer_details.month_date = order_details.month_date
            and customer_details.employee_id = order_details.employee_id
            and customer_details.source_id = order_details.source_id
),

different_figures as (
    select
        coalesce(figures.month_date, details.month_date) as month_date,
        coalesce(figures.employee_id, details.employee_id) as employee_id,
        coalesce(figures.source_id, details.source_id) as source_id
    from {{ ref('fct_funnel_by_source') }} as figures
    full outer join details
        on
            figures.month_date = details.month_date
            and figures.employee_id = details.employee_id
            and figures.source_id = details.source_id
    where
        coalesce(figures.new_customers, 0) != coalesce(details.new_customers, 0)
        or coalesce(figures.new_customers_split, 0) != coalesce(details.new_customers_split, 0)
        or coalesce(figures.orders, 0) != coalesce(details.orders, 0)
        or coalesce(figures.orders_split, 0) != coalesce(details.orders_split, 0)
        or coalesce(figures.sales_amount, 0) != coalesce(details.sales_amount, 0)
        or coalesce(figures.sales_split_amount, 0) != coalesce(details.sales_split_amount, 0)
        or coalesce(figures.revenue_amount, 0) != coalesce(details.revenue_amount, 0)
        or coalesce(figures.revenue_split_amount, 0) != coalesce(details.revenue_split_amount, 0)
),

created as (
    select
        month_date,
        employee_id,
        count(distinct customer_id) as new_customers
    from {{ ref('fct_new_customer_sources') }}
    group by
        month_date,
        employee_id
),

different_funnel as (
    select
        coalesce(funnel.month_date, created.month_date) as month_date,
        coalesce(funnel.employee_id, created.employee_id) as employee_id,
        'all' as source_id
    from {{ ref('fct_funnel') }} as funnel
    full outer join created
        on
            funnel.month_date = created.month_date
            and funnel.employee_id = created.employee_id
    where coalesce(funnel.new_customers, 0) != coalesce(created.new_customers, 0)
),

final as (
    select * from different_figures
    union all
    select * from different_funnel
)

select * from final
