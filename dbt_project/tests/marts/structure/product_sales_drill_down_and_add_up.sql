-- Products have the orders, quantity and money of their counted lines, and together the funnel's money.
{% set read = [
    ref('fct_order_lines'),
    ref('fct_orders'),
    ref('fct_product_sales'),
    ref('fct_funnel'),
] %}
{% set compared = {'fct_funnel': ['month_date', 'employee_id', 'sales_amount', 'revenue_amount']} %}

with line_details as (
    select
        lines.month_date,
        lines.executor_id,
        lines.product_id,
        count(distinct case when orders.orders = 1 then lines.order_id end) as orders,
        count(distinct case when orders.returns = 1 then lines.order_id end) as returns,
        sum(lines.sold_quantity) as sold_quantity,
        sum(lines.sales_amount) as sales_amount,
        sum(lines.revenue_amount) as revenue_amount
    from {{ rows_of_changed(ref('fct_order_lines'), 'month_date', read, compared=compared) }} as lines
    left join {{ rows_of_changed(ref('fct_orders'), 'month_date', read, compared=compared) }} as orders on lines.order_id = orders.order_id
    where lines.is_counted
    group by
        lines.month_date,
        lines.executor_id,
        lines.product_id
),

different_figures as (
    select
        coalesce(figures.month_date, line_details.month_date) as month_date,
        coalesce(figures.executor_id, line_details.executor_id) as executor_id,
        coalesce(figures.product_id, line_details.product_id) as product_id
    from {{ rows_of_changed(ref('fct_product_sales'), 'month_date', read, compared=compared) }} as figures
    full outer join line_details
        on
            figures.month_date = line_details.month_date
            and figures.executor_id = line_details.executor_id
            and figures.product_id = line_details.product_id
    where
        figures.product_id is null
        or line_details.product_id is null
        or figures.orders != line_details.orders
        or figures.returns != line_details.returns
        or figures.sold_quantity != line_details.sold_quantity
        or figures.sales_amount != line_details.sales_amount
        or figures.revenue_amount != line_details.revenue_amount
),

totals as (
    select
        month_date,
        executor_id,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount
    from {{ rows_of_changed(ref('fct_product_sales'), 'month_date', read, compared=compared) }}
    group by
        month_date,
        executor_id
),

different_totals as (
    select
        coalesce(funnel.month_date, totals.month_date) as month_date,
        coalesce(funnel.employee_id, totals.executor_id) as executor_id,
        'all' as product_id
    from {{ rows_of_changed(ref('fct_funnel'), 'month_date', read, compared=compared) }} as funnel
    full outer join totals
        on
            funnel.month_date = totals.month_date
            and funnel.employee_id = totals.executor_id
    where
        coalesce(funnel.sales_amount, 0) != coalesce(totals.sales_amount, 0)
        or coalesce(funnel.revenue_amount, 0) != coalesce(totals.revenue_amount, 0)
),

final as (
    select * from different_figures
    union all
    select * from different_totals
)

select * from final
