with product_periods as (
    select * from {{ ref('kpi_product_period') }}
),

products as (
    select * from {{ ref('dim_products') }}
),

-- A row that is there for the previous period only has sold nothing in this one.
sold as (
    select
        product_periods.period_type,
        product_periods.period_date,
        product_periods.executor_id,
        product_periods.product_id,
        products.product_name,
        products.is_placeholder,
        product_periods.sold_quantity,
        product_periods.revenue_amount,
        sum(product_periods.revenue_amount) over (
            partition by product_periods.period_type, product_periods.period_date, product_periods.executor_id
        ) as period_revenue_amount
    from product_periods
    inner join products on product_periods.product_id = products.product_id
    where
        product_periods.orders != 0
        or product_periods.returns != 0
        or product_periods.sales_amount != 0
        or product_periods.revenue_amount != 0
),

-- A placeholder is no product and takes no rank.
ranked as (
    select
        sold.period_type,
        sold.period_date,
        sold.executor_id,
        sold.product_id,
        sold.product_name,
        sold.is_placeholder,
        sold.sold_quantity,
        sold.revenue_amount,
        sold.period_revenue_amount,
        row_number() over (
            partition by sold.period_type, sold.period_date, sold.executor_id, sold.is_placeholder
            order by sold.revenue_amount desc, sold.product_name asc, sold.product_id asc
        ) as product_rank
    from sold
),

placed as (
    select
        ranked.period_type,
        ranked.period_date,
        ranked.executor_id,
        ranked.sold_quantity,
        ranked.revenue_amount,
        ranked.period_revenue_amount,
        case when ranked.is_placeholder then 0 else 1 end as products,
        case
            when ranked.is_placeholder and ranked.product_id = 'none' then 7
            when ranked.is_placeholder then 8
            when ranked.product_rank <= 5 then ranked.product_rank
            else 6
        end as sort_order,
        case
            when ranked.is_placeholder then ranked.product_id
            when ranked.product_rank <= 5 then 'product'
            else 'other'
        end as row_type,
        case when ranked.is_placeholder or ranked.product_rank <= 5 then ranked.product_id end as product_id,
        case
            when ranked.is_placeholder or ranked.product_rank <= 5 then ranked.product_name
            else '(other)'
        end as product_name
    from ranked
),

totals as (
    select
        placed.period_type,
        placed.period_date,
        placed.executor_id,
        placed.sort_order,
        placed.row_type,
        placed.product_id,
        placed.product_name,
        placed.period_revenue_amount,
        sum(placed.products) as products,
        sum(placed.sold_quantity) as sold_quantity,
        sum(placed.revenue_amount) as revenue_amount
    from placed
    group by
        placed.period_type,
        placed.period_date,
        placed.executor_id,
        placed.sort_order,
        placed.row_type,
        placed.product_id,
        placed.product_name,
        placed.period_revenue_amount
),

final as (
    select
        cast(totals.period_type as string) as period_type,
        cast(totals.period_date as date) as period_date,
        cast(totals.executor_id as string) as executor_id,
        cast(totals.sort_order as integer) as sort_order,
        cast(totals.row_type as string) as row_type,
        cast(totals.product_id as string) as product_id,
        cast(totals.product_name as string) as product_name,
        cast(totals.products as bigint) as products,
        cast(totals.sold_quantity as decimal(18, 4)) as sold_quantity,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.period_revenue_amount as decimal(18, 2)) as period_revenue_amount,
        case
            when totals.period_revenue_amount > 0 then {{ ratio('totals.revenue_amount', 'totals.period_revenue_amount') }}
        end as revenue_share_rate
    from totals
)

select * from final
