with final as (
    select
        fct_payments.payment_id,
        fct_payments.order_id,
        fct_payments.customer_id,
        fct_payments.executor_id,
        fct_payments.paid_date,
        fct_payments.month_date,
        fct_payments.paid_amount,
        fct_payments.collected_amount,
        fct_payments.is_refund,
        fct_payments.is_counted
    from {{ in_this_database(ref('fct_payments')) }} as fct_payments
    where {{ in_viewer_scope('fct_payments.executor_id', ['employee', 'product']) }}
)

select * from final
