{%- set touched -%}
select payment_id from {{ changes('core_payments') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'payment_id', 'touched': touched}}) }}

with payments as (
    select * from {{ ref('core_payments') }}
    {{ in_scope('payment_id') }}
),

final as (
    select
        cast(payments.payment_id as string) as payment_id,
        cast(payments.order_id as string) as order_id,
        cast(payments.customer_id as string) as customer_id,
        cast(payments.executor_id as string) as executor_id,
        cast(payments.paid_on as date) as paid_date,
        cast(payments.month_date as date) as month_date,
        cast(payments.amount as decimal(18, 2)) as paid_amount,
        cast(case when payments.is_counted then payments.amount else 0 end as decimal(18, 2)) as collected_amount,
        cast(payments.is_refund as boolean) as is_refund,
        cast(payments.is_counted as boolean) as is_counted
    from payments
    where not payments.is_deleted
)

select * from final
