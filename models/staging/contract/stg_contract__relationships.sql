with landed as (
    select * from {{ landing('relationships') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'relationships'
),

final as (
    select
        landed.relationship_id,
        landed.relationship_name,
        landed.relationship_order,
        landed.is_default,
        landed.deleted_at,
        {{ record_key(['landed.relationship_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
