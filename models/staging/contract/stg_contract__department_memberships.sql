with landed as (
    select * from {{ landing('department_memberships') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'department_memberships'
),

final as (
    select
        landed.employee_id,
        landed.department_id,
        landed.position_rank,
        {{ record_key(['landed.employee_id', 'landed.department_id']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
