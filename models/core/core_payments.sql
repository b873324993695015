{%- set touched -%}
{{ changed_records('payments') }}
union all
{{ became_known('payments', 'order_id', 'core_orders', 'order_id') }}
union all
select payment_id from core.core_payments where order_id in (select order_id from {{ changes('core_orders') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'payment_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('payments', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

orders as (
    select
        order_id,
        customer_id,
        executor_id,
        is_deleted
    from {{ ref('core_orders') }}
),

-- Money paid on an order that is not there is money all the same: it counts, for the unknown employee.
final as (
    select
        current_rows.payment_id,
        {{ resolve_reference('current_rows.order_id', 'orders.order_id') }} as order_id,
        coalesce(orders.customer_id, 'unknown') as customer_id,
        coalesce(orders.executor_id, 'unknown') as executor_id,
        current_rows.amount,
        current_rows.amount < 0 as is_refund,
        not current_rows.is_deleted and not coalesce(orders.is_deleted, false) as is_counted,
        current_rows.paid_on,
        {{ month_of('current_rows.paid_on') }} as month_date,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join orders on current_rows.order_id = orders.order_id
)

select * from final
