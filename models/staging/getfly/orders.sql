-- One row per sale order received that night. A status that is in no code map keeps its code and label, and the
-- contract sets the row aside: counted, shown, and not guessed. Creators and returns are not in the API.
select
    sale_orders.id as order_id,
    text_of(sale_orders.body, '$.order_code') as order_code,
    reference_of(sale_orders.body, '$.account_id') as customer_id,
    reference_of(sale_orders.body, '$.assigned_user') as executor_id,
    'sale' as order_type,
    coalesce(
        by_code.value, by_label.value, unmapped(sale_orders.body, '$.status', '$.status_label')
    ) as status,
    day_of(sale_orders.body, '$.order_date') as order_date,
    moment_of(sale_orders.body, '$.created_at') as created_at,
    coalesce(amount_of(sale_orders.body, '$.discount_amount'), '0') as discount_amount,
    coalesce(amount_of(sale_orders.body, '$.vat_amount'), '0') as vat_amount,
    moment_of(sale_orders.body, '$.updated_at') as updated_at
from sale_orders
left join codes as by_code
    on by_code.domain = 'order_status' and text_of(sale_orders.body, '$.status') = by_code.code
left join codes as by_label
    on by_label.domain = 'order_status' and text_of(sale_orders.body, '$.status_label') = by_label.label
