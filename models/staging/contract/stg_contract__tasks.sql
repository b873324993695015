with landed as (
    select * from {{ landing('tasks') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'tasks'
),

final as (
    select
        landed.task_id,
        landed.task_name,
        landed.creator_id,
        landed.assignee_id,
        landed.project_id,
        landed.task_type_id,
        landed.customer_ids,
        landed.status,
        landed.created_at,
        landed.planned_start_at,
        landed.due_at,
        landed.done_at,
        landed.completed_at,
        landed.rating,
        landed.updated_at,
        landed.deleted_at,
        {{ record_key(['landed.task_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
