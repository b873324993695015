with landed as (
    select * from {{ landing('contacts') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'contacts'
),

final as (
    select
        landed.contact_id,
        landed.customer_id,
        landed.full_name,
        landed.gender,
        landed.birthday,
        landed.is_primary,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.contact_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
