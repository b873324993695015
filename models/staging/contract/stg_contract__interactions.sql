with landed as (
    select * from {{ landing('interactions') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'interactions'
),

final as (
    select
        landed.interaction_id,
        landed.customer_id,
        landed.employee_id,
        landed.type,
        landed.direction,
        landed.occurred_at,
        landed.outcome,
        landed.duration_seconds,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.interaction_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
