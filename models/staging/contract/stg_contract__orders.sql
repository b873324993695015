with landed as (
    select * from {{ landing('orders') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'orders'
),

final as (
    select
        landed.order_id,
        landed.order_code,
        landed.customer_id,
        landed.executor_id,
        landed.creator_id,
        landed.order_type,
        landed.status,
        landed.order_date,
        landed.created_at,
        landed.discount_amount,
        landed.vat_amount,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.order_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
