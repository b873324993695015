with landed as (
    select * from {{ landing('order_lines') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'order_lines'
),

final as (
    select
        landed.order_line_id,
        landed.order_id,
        landed.product_id,
        landed.quantity,
        landed.unit_price,
        landed.discount_amount,
        landed.vat_amount,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.order_line_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
