with landed as (
    select * from {{ landing('customer_changes') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'customer_changes'
),

final as (
    select
        landed.customer_id,
        landed.field,
        landed.old_value,
        landed.new_value,
        landed.changed_at,
        landed.changed_by,
        {{ record_key(['landed.customer_id', 'landed.field', 'landed.changed_at']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
