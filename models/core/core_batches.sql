with batches as (
    select * from {{ ref('stg_contract__batches') }}
),

final as (
    select
        source,
        entity,
        batch_id,
        batch_date,
        batch_seq,
        kind,
        known_at,
        rows_in,
        rows_landed,
        rows_quarantined
    from batches
)

select * from final
