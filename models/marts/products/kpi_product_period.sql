{#- The kinds of period and their months. -#}
{%- set periods = {'month': 1, 'quarter': 3, 'year': 12} -%}

{#- A period that ends is complete then, and enters the one that starts. -#}
{%- set touched -%}
select executor_id, product_id from {{ changes('fct_product_sales') }}
union all
select executor_id, product_id from marts.fct_product_sales where {{ became_past('month_date') }}
{%- for period_type, months in periods.items() %}
union all
select executor_id, product_id
from marts.kpi_product_period
where
    period_type = '{{ period_type }}'
    and {{ dbt.dateadd('month', months, 'period_date') }} >= (select previous_as_of_end from {{ this_build() }})
    and {{ dbt.dateadd('month', months, 'period_date') }} <= (select as_of_end from {{ this_build() }})
{%- endfor %}
{%- endset -%}
{{ config(meta={'scope': {'column': '(executor_id, product_id)', 'touched': touched}}) }}

with product_months as (
    select * from {{ ref('fct_product_sales') }}
    {{ in_scope('(executor_id, product_id)') }}
),

-- What is sold in a period stands in it, and in the next one as the previous period's.
figures as (
    {%- for period_type, months in periods.items() %}
    select
        '{{ period_type }}' as period_type,
        cast({{ dbt.date_trunc(period_type, 'product_months.month_date') }} as date) as period_date,
        product_months.executor_id,
        product_months.product_id,
        product_months.orders,
        product_months.returns,
        product_months.gross_sold_quantity,
        product_months.returned_quantity,
        product_months.sold_quantity,
        product_months.sales_amount,
        product_months.revenue_amount,
        0 as previous_orders,
        0 as previous_sold_quantity,
        0 as previous_sales_amount,
        0 as previous_revenue_amount
    from product_months
    union all
    select
        '{{ period_type }}' as period_type,
        cast({{ dbt.dateadd('month', months, dbt.date_trunc(period_type, 'product_months.month_date')) }} as date) as period_date,
        product_months.executor_id,
        product_months.product_id,
        0 as orders,
        0 as returns,
        0 as gross_sold_quantity,
        0 as returned_quantity,
        0 as sold_quantity,
        0 as sales_amount,
        0 as revenue_amount,
        product_months.orders as previous_orders,
        product_months.sold_quantity as previous_sold_quantity,
        product_months.sales_amount as previous_sales_amount,
        product_months.revenue_amount as previous_revenue_amount
    from product_months
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

totals as (
    select
        figures.period_type,
        figures.period_date,
        figures.executor_id,
        figures.product_id,
        case
            {%- for period_type, months in periods.items() %}
            when figures.period_type = '{{ period_type }}' then cast({{ dbt.dateadd('month', months, 'figures.period_date') }} as date)
            {%- endfor %}
        end as next_period_date,
        sum(figures.orders) as orders,
        sum(figures.returns) as returns,
        sum(figures.gross_sold_quantity) as gross_sold_quantity,
        sum(figures.returned_quantity) as returned_quantity,
        sum(figures.sold_quantity) as sold_quantity,
        sum(figures.sales_amount) as sales_amount,
        sum(figures.revenue_amount) as revenue_amount,
        sum(figures.previous_orders) as previous_orders,
        sum(figures.previous_sold_quantity) as previous_sold_quantity,
        sum(figures.previous_sales_amount) as previous_sales_amount,
        sum(figures.previous_revenue_amount) as previous_revenue_amount
    from figures
    where figures.period_date <= {{ as_of() }}
    group by
        figures.period_type,
        figures.period_date,
        figures.executor_id,
        figures.product_id
),

-- Growth from nothing, or from a period of returns, is no rate.
final as (
    select
        cast(totals.period_type as string) as period_type,
        cast(totals.period_date as date) as period_date,
        cast(totals.executor_id as string) as executor_id,
        cast(totals.product_id as string) as product_id,
        cast(totals.next_period_date <= {{ as_of_end() }} as boolean) as is_complete,
        cast(totals.orders as bigint) as orders,
        cast(totals.returns as bigint) as returns,
        cast(totals.gross_sold_quantity as decimal(18, 4)) as gross_sold_quantity,
        cast(totals.returned_quantity as decimal(18, 4)) as returned_quantity,
        {{ ratio('totals.returned_quantity', 'totals.gross_sold_quantity') }} as return_rate,
        cast(totals.sold_quantity as decimal(18, 4)) as sold_quantity,
        cast(totals.sales_amount as decimal(18, 2)) as sales_amount,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.previous_orders as bigint) as previous_orders,
        cast(totals.previous_sold_quantity as decimal(18, 4)) as previous_sold_quantity,
        cast(totals.previous_sales_amount as decimal(18, 2)) as previous_sales_amount,
        cast(totals.previous_revenue_amount as decimal(18, 2)) as previous_revenue_amount,
        cast(totals.revenue_amount - totals.previous_revenue_amount as decimal(18, 2)) as revenue_change_amount,
        case
            when totals.previous_revenue_amount > 0
                then {{ ratio('totals.revenue_amount - totals.previous_revenue_amount', 'totals.previous_revenue_amount') }}
        end as revenue_change_rate
    from totals
)

select * from final
