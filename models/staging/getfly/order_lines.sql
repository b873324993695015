-- One row per line of every order that stands: a line that was taken out of an order is missing here.
with lines as (
    select
        id as order_id,
        unnest(rows_in(json_extract(body, '$.order_details'))) as line
    from sale_orders_now
),

amounts as (
    select
        order_id,
        line,
        amount_of(line, '$.quantity') as quantity,
        amount_of(line, '$.price') as unit_price,
        coalesce(amount_of(line, '$.cash_discount'), '0') as cash_discount,
        coalesce(amount_of(line, '$.product_sale_off'), '0') as discount_percent
    from lines
),

-- Exact: a hundredth of a decimal is a decimal.
discounted as (
    select
        order_id,
        line,
        quantity,
        unit_price,
        cash_discount,
        discount_percent,
        try_cast(cash_discount as decimal(18, 2)) + round(
            cast(try_cast(quantity as decimal(18, 4)) * try_cast(unit_price as decimal(18, 2)) as decimal(24, 6))
            * try_cast(discount_percent as decimal(7, 4)) * 0.01,
            2
        ) as discount_amount
    from amounts
)

select
    reference_of(line, '$.id') as order_line_id,
    order_id,
    reference_of(line, '$.product_id') as product_id,
    quantity,
    unit_price,
    -- Either a percentage or an amount; both together have not been seen. What is no number is left for the contract.
    coalesce(
        cast(discount_amount as varchar), concat(cash_discount, ' and ', discount_percent, ' percent')
    ) as discount_amount,
    coalesce(amount_of(line, '$.vat_amount'), '0') as vat_amount
from discounted
