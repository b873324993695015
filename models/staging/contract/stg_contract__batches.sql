with index_rows as (
    select * from {{ landing_index() }}
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
    from index_rows
)

select * from final
