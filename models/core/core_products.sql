with current_rows as (
    {{ current_version('products', has_updated_at=true) | indent(4) }}
),

product_categories as (
    select category_id from {{ ref('core_product_categories') }}
),

final as (
    select
        current_rows.product_id,
        current_rows.product_code,
        current_rows.product_name,
        {{ resolve_reference('current_rows.category_id', 'product_categories.category_id') }} as category_id,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join product_categories on current_rows.category_id = product_categories.category_id
)

select * from final
