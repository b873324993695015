with landed as (
    select * from {{ landing('employee_permissions') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'employee_permissions'
),

final as (
    select
        landed.employee_id,
        landed.report,
        landed.right,
        {{ record_key(['landed.employee_id', 'landed.report', 'landed.right']) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
