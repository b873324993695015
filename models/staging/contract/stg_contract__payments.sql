with landed as (
    select * from {{ landing('payments') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'payments'
),

final as (
    select
        landed.payment_id,
        landed.order_id,
        landed.amount,
        landed.paid_on,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.payment_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
