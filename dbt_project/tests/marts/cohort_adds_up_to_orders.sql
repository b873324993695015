-- What customers brought, plus what belongs to no known customer, is what all orders brought.
with customers as (
    select
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('dim_customer_cohort') }}
),

nobody as (
    select
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('fct_orders') }}
    where customer_id in ('none', 'unknown')
),

orders as (
    select
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ ref('fct_orders') }}
),

final as (
    select
        orders.orders,
        orders.revenue_amount,
        customers.orders as customers_orders,
        customers.revenue_amount as customers_revenue_amount,
        nobody.orders as nobody_orders,
        nobody.revenue_amount as nobody_revenue_amount
    from orders
    cross join customers
    cross join nobody
    where
        coalesce(orders.orders, 0) != coalesce(customers.orders, 0) + coalesce(nobody.orders, 0)
        or coalesce(orders.sales_amount, 0) != coalesce(customers.sales_amount, 0) + coalesce(nobody.sales_amount, 0)
        or coalesce(orders.revenue_amount, 0)
        != coalesce(customers.revenue_amount, 0) + coalesce(nobody.revenue_amount, 0)
        or coalesce(orders.collected_amount, 0)
        != coalesce(customers.collected_amount, 0) + coalesce(nobody.collected_amount, 0)
)

select * from final
