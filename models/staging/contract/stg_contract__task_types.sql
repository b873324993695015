with landed as (
    select * from {{ landing('task_types') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'task_types'
),

final as (
    select
        landed.task_type_id,
        landed.task_type_name,
        {{ record_key(['landed.task_type_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
