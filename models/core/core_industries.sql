with current_rows as (
    {{ current_version('industries') | indent(4) }}
),

final as (
    select
        current_rows.industry_id,
        current_rows.industry_name,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
)

select * from final
