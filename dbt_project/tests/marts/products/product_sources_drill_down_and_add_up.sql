-- A source has the counted lines of the orders it is a source of, whole; and the parts of all sources are fct_product_sales.
{% set read = [
    ref('fct_order_lines'),
    ref('fct_order_sources'),
    ref('kpi_product_source_month'),
    ref('fct_product_sales'),
] %}

with line_details as (
    select
        lines.month_date,
        lines.executor_id,
        lines.product_id,
        sources.source_id,
        count(distinct case when sources.orders = 1 then lines.order_id end) as orders,
        sum(lines.sold_quantity) as sold_quantity,
        sum(lines.sales_amount) as sales_amount,
        sum(lines.revenue_amount) as revenue_amount
    from {{ rows_of_changed(ref('fct_order_lines'), 'month_date', read) }} as lines
    inner join {{ rows_of_changed(ref('fct_order_sources'), 'month_date', read) }} as sources on lines.order_id = sources.order_id
    where lines.is_counted
    group by
        lines.month_date,
        lines.executor_id,
        lines.product_id,
        sources.source_id
),

different_figures as (
    select
        coalesce(figures.month_date, line_details.month_date) as month_date,
        coalesce(figures.executor_id, line_details.executor_id) as executor_id,
        coalesce(figures.product_id, line_details.product_id) as product_id,
        coalesce(figures.source_id, line_details.source_id) as source_id
    from {{ rows_of_changed(ref('kpi_product_source_month'), 'month_date', read) }} as figures
    full outer join line_details
        on
            figures.month_date = line_details.month_date
            and figures.executor_id = line_details.executor_id
            and figures.product_id = line_details.product_id
            and figures.source_id = line_details.source_id
    where
        figures.source_id is null
        or line_details.source_id is null
        or figures.orders != line_details.orders
        or figures.sold_quantity != line_details.sold_quantity
        or figures.sales_amount != line_details.sales_amount
        or figures.revenue_amount != line_details.revenue_amount
),

totals as (
    select
        month_date,
        executor_id,
        product_id,
        sum(orders_split) as orders,
        sum(sales_split_amount) as sales_amount,
        sum(revenue_split_amount) as revenue_amount
    from {{ rows_of_changed(ref('kpi_product_source_month'), 'month_date', read) }}
    group by
        month_date,
        executor_id,
        product_id
),

different_totals as (
    select
        coalesce(sales.month_date, totals.month_date) as month_date,
        coalesce(sales.executor_id, totals.executor_id) as executor_id,
        coalesce(sales.product_id, totals.product_id) as product_id,
        'all' as source_id
    from {{ rows_of_changed(ref('fct_product_sales'), 'month_date', read) }} as sales
    full outer join totals
        on
            sales.month_date = totals.month_date
            and sales.executor_id = totals.executor_id
            and sales.product_id = totals.product_id
    where
        sales.product_id is null
        or totals.product_id is null
        or sales.orders != totals.orders
        or sales.sales_amount != totals.sales_amount
        or sales.revenue_amount != totals.revenue_amount
),

final as (
    select * from different_figures
    union all
    select * from different_totals
)

select * from final
