with current_rows as (
    {{ current_version('sources') | indent(4) }}
),

final as (
    select
        current_rows.source_id,
        current_rows.source_name,
        {{ resolve_reference('current_rows.parent_source_id', 'parents.source_id') }} as parent_source_id,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join current_rows as parents on current_rows.parent_source_id = parents.source_id
)

select * from final
