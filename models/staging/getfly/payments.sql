-- One row per payment; a negative amount is a refund.
select
    id as payment_id,
    reference_of(body, '$.order_id') as order_id,
    amount_of(body, '$.amount') as amount,
    day_of(body, '$.pay_date') as paid_on
from sale_order_payments_now
