-- A ranked product has its revenue, 'other' that of the products without a row of their own, and all rows are the whole of the shares.
with top_rows as (
    select
        period_type,
        period_date,
        executor_id,
        sort_order,
        product_id,
        products,
        sold_quantity,
        revenue_amount,
        period_revenue_amount,
        revenue_share_rate
    from {{ ref('kpi_product_top') }}
),

sold as (
    select
        period_type,
        period_date,
        executor_id,
        product_id,
        sold_quantity,
        revenue_amount
    from {{ ref('kpi_product_period') }}
    where
        orders + returns > 0
        or sales_amount != 0
        or revenue_amount != 0
),

placed as (
    select
        sold.period_type,
        sold.period_date,
        sold.executor_id,
        sold.sold_quantity,
        sold.revenue_amount,
        coalesce(top_rows.sort_order, 6) as sort_order
    from sold
    left join top_rows
        on
            sold.period_type = top_rows.period_type
            and sold.period_date = top_rows.period_date
            and sold.executor_id = top_rows.executor_id
            and sold.product_id = top_rows.product_id
),

details as (
    select
        period_type,
        period_date,
        executor_id,
        sort_order,
        case when sort_order <= 6 then count(*) else 0 end as products,
        sum(sold_quantity) as sold_quantity,
        sum(revenue_amount) as revenue_amount
    from placed
    group by
        period_type,
        period_date,
        executor_id,
        sort_order
),

wholes as (
    select
        period_type,
        period_date,
        executor_id,
        sum(revenue_amount) as revenue_amount
    from sold
    group by
        period_type,
        period_date,
        executor_id
),

different_figures as (
    select
        coalesce(top_rows.period_type, details.period_type) as period_type,
        coalesce(top_rows.period_date, details.period_date) as period_date,
        coalesce(top_rows.executor_id, details.executor_id) as executor_id,
        coalesce(top_rows.sort_order, details.sort_order) as sort_order
    from top_rows
    full outer join details
        on
            top_rows.period_type = details.period_type
            and top_rows.period_date = details.period_date
            and top_rows.executor_id = details.executor_id
            and top_rows.sort_order = details.sort_order
    where
        top_rows.sort_order is null
        or details.sort_order is null
        or top_rows.products != details.products
        or top_rows.sold_quantity != details.sold_quantity
        or top_rows.revenue_amount != details.revenue_amount
),

different_wholes as (
    select
        top_rows.period_type,
        top_rows.period_date,
        top_rows.executor_id,
        top_rows.sort_order
    from top_rows
    inner join wholes
        on
            top_rows.period_type = wholes.period_type
            and top_rows.period_date = wholes.period_date
            and top_rows.executor_id = wholes.executor_id
    where
        top_rows.period_revenue_amount != wholes.revenue_amount
        or (top_rows.revenue_share_rate is null) != (wholes.revenue_amount <= 0)
),

-- A rank earned at least as much as the next, and the fifth as much as any product among the others.
wrong_order as (
    select
        higher.period_type,
        higher.period_date,
        higher.executor_id,
        higher.sort_order
    from top_rows as higher
    inner join top_rows as lower
        on
            higher.period_type = lower.period_type
            and higher.period_date = lower.period_date
            and higher.executor_id = lower.executor_id
            and higher.sort_order = lower.sort_order - 1
    where
        lower.sort_order <= 5
        and higher.revenue_amount < lower.revenue_amount
    union all
    select
        top_rows.period_type,
        top_rows.period_date,
        top_rows.executor_id,
        top_rows.sort_order
    from top_rows
    inner join placed
        on
            top_rows.period_type = placed.period_type
            and top_rows.period_date = placed.period_date
            and top_rows.executor_id = placed.executor_id
            and placed.sort_order = 6
    where
        top_rows.sort_order = 5
        and top_rows.revenue_amount < placed.revenue_amount
),

final as (
    select * from different_figures
    union all
    select * from different_wholes
    union all
    select * from wrong_order
)

select * from final
