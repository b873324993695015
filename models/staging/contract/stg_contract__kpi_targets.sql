with landed as (
    select * from {{ landing('kpi_targets') }}
),

batches as (
    select
        batch_id,
        batch_seq,
        known_at
    from {{ ref('stg_contract__batches') }}
    where entity = 'kpi_targets'
),

final as (
    select
        landed.period_start,
        landed.period_end,
        landed.employee_id,
        landed.department_id,
        landed.metric,
        landed.target_value,
        landed.weight,
        landed.direction,
        {{ record_key(
            ['landed.period_start', 'landed.period_end', 'landed.employee_id', 'landed.department_id', 'landed.metric']
        ) }} as _record_key,
        landed._batch_id,
        landed._batch_date,
        landed._row_number,
        batches.batch_seq,
        batches.known_at
    from landed
    inner join batches on landed._batch_id = batches.batch_id
)

select * from final
