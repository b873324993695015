with landed as (
    select * from {{ landing('customers') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'customers'
),

final as (
    select
        landed.customer_id,
        landed.customer_code,
        landed.customer_name,
        landed.manager_id,
        landed.creator_id,
        landed.relationship_id,
        landed.source_ids,
        landed.industry_ids,
        landed.province_id,
        landed.gender,
        landed.birthday,
        landed.phone,
        landed.email,
        landed.created_at,
        landed.updated_at,
        landed.last_contact_at,
        landed.deleted_at,
        {{ record_key(['landed.customer_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
