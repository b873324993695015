-- A period has the orders, quantity and money of its counted lines, beside those of the period before; months are fct_product_sales.
{% set periods = {'month': 1, 'quarter': 3, 'year': 12} %}
{% set cells = {
    'column': '(executor_id, product_id)',
    'read': [ref('fct_order_lines'), ref('kpi_product_period'), ref('fct_product_sales')],
    'others': [ref('fct_orders')],
    'more': 'select (executor_id, product_id) from ' ~ ref('fct_order_lines')
        ~ ' where order_id in (select order_id from ' ~ changes('fct_orders') ~ ')',
} %}

-- An order lies in one month: longer periods have the orders of their months.
with month_details as (
    select
        {{ month_of('lines.order_date') }} as month_date,
        lines.executor_id,
        lines.product_id,
        count(distinct case when orders.orders = 1 then lines.order_id end) as orders,
        count(distinct case when orders.returns = 1 then lines.order_id end) as returns,
        sum(case when orders.orders = 1 then lines.sold_quantity else 0 end) as gross_sold_quantity,
        sum(case when orders.returns = 1 then -lines.sold_quantity else 0 end) as returned_quantity,
        sum(lines.sales_amount) as sales_amount,
        sum(lines.revenue_amount) as revenue_amount
    from {{ rows_of_changed(ref('fct_order_lines'), **cells) }} as lines
    inner join {{ ref('fct_orders') }} as orders on lines.order_id = orders.order_id
    where lines.is_counted
    group by
        {{ month_of('lines.order_date') }},
        lines.executor_id,
        lines.product_id
),

months_of_periods as (
    {% for period_type in periods %}
    select
        '{{ period_type }}' as period_type,
        cast({{ dbt.date_trunc(period_type, 'month_date') }} as date) as period_date,
        month_details.*
    from month_details
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

line_details as (
    select
        period_type,
        period_date,
        executor_id,
        product_id,
        sum(orders) as orders,
        sum(returns) as returns,
        sum(gross_sold_quantity) as gross_sold_quantity,
        sum(returned_quantity) as returned_quantity,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount
    from months_of_periods
    where period_date <= {{ as_of() }}
    group by
        period_type,
        period_date,
        executor_id,
        product_id
),

different_figures as (
    select
        coalesce(figures.period_type, line_details.period_type) as period_type,
        coalesce(figures.period_date, line_details.period_date) as period_date,
        coalesce(figures.executor_id, line_details.executor_id) as executor_id,
        coalesce(figures.product_id, line_details.product_id) as product_id
    from {{ rows_of_changed(ref('kpi_product_period'), **cells) }} as figures
    full outer join line_details
        on
            figures.period_type = line_details.period_type
            and figures.period_date = line_details.period_date
            and figures.executor_id = line_details.executor_id
            and figures.product_id = line_details.product_id
    where
        coalesce(figures.orders, 0) != coalesce(line_details.orders, 0)
        or coalesce(figures.returns, 0) != coalesce(line_details.returns, 0)
        or coalesce(figures.gross_sold_quantity, 0) != coalesce(line_details.gross_sold_quantity, 0)
        or coalesce(figures.returned_quantity, 0) != coalesce(line_details.returned_quantity, 0)
        or coalesce(figures.sold_quantity, 0)
        != coalesce(line_details.gross_sold_quantity, 0) - coalesce(line_details.returned_quantity, 0)
        or coalesce(figures.sales_amount, 0) != coalesce(line_details.sales_amount, 0)
        or coalesce(figures.revenue_amount, 0) != coalesce(line_details.revenue_amount, 0)
),

next_periods as (
    {% for period_type, months in periods.items() %}
    select
        period_type,
        cast({{ dbt.dateadd('month', months, 'period_date') }} as date) as period_date,
        executor_id,
        product_id,
        orders,
        sold_quantity,
        sales_amount,
        revenue_amount
    from {{ rows_of_changed(ref('kpi_product_period'), **cells) }}
    where period_type = '{{ period_type }}'
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

different_previous as (
    select
        coalesce(figures.period_type, next_periods.period_type) as period_type,
        coalesce(figures.period_date, next_periods.period_date) as period_date,
        coalesce(figures.executor_id, next_periods.executor_id) as executor_id,
        coalesce(figures.product_id, next_periods.product_id) as product_id
    from {{ rows_of_changed(ref('kpi_product_period'), **cells) }} as figures
    full outer join next_periods
        on
            figures.period_type = next_periods.period_type
            and figures.period_date = next_periods.period_date
            and figures.executor_id = next_periods.executor_id
            and figures.product_id = next_periods.product_id
    where
        coalesce(figures.period_date, next_periods.period_date) <= {{ as_of() }}
        and (
            coalesce(figures.previous_orders, 0) != coalesce(next_periods.orders, 0)
            or coalesce(figures.previous_sold_quantity, 0) != coalesce(next_periods.sold_quantity, 0)
            or coalesce(figures.previous_sales_amount, 0) != coalesce(next_periods.sales_amount, 0)
            or coalesce(figures.previous_revenue_amount, 0) != coalesce(next_periods.revenue_amount, 0)
            or figures.revenue_change_amount != figures.revenue_amount - coalesce(next_periods.revenue_amount, 0)
        )
),

different_months as (
    select
        'month' as period_type,
        sales.month_date as period_date,
        sales.executor_id,
        sales.product_id
    from {{ rows_of_changed(ref('fct_product_sales'), **cells) }} as sales
    left join {{ rows_of_changed(ref('kpi_product_period'), **cells) }} as figures
        on
            figures.period_type = 'month'
            and sales.month_date = figures.period_date
            and sales.executor_id = figures.executor_id
            and sales.product_id = figures.product_id
    where
        sales.month_date <= {{ as_of() }}
        and (
            figures.product_id is null
            or sales.orders != figures.orders
            or sales.sold_quantity != figures.sold_quantity
            or sales.revenue_amount != figures.revenue_amount
        )
),

final as (
    select * from different_figures
    union all
    select * from different_previous
    union all
    select * from different_months
)

select * from final
