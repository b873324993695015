with current_rows as (
    {{ current_version('product_categories') | indent(4) }}
),

final as (
    select
        current_rows.category_id,
        current_rows.category_name,
        {{ resolve_reference('current_rows.parent_category_id', 'parents.category_id') }} as parent_category_id,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join current_rows as parents on current_rows.parent_category_id = parents.category_id
)

select * from final
