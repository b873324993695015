with landed as (
    select * from {{ landing('products') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'products'
),

final as (
    select
        landed.product_id,
        landed.product_code,
        landed.product_name,
        landed.category_id,
        landed.updated_at,
        {{ record_key(['landed.product_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
