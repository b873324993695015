-- Names of a list say nothing about anybody, but a stranger gets nothing at all.
with final as (
    select
        dim_products.product_id,
        dim_products.product_code,
        dim_products.product_name,
        dim_products.category_id,
        dim_products.category_name,
        dim_products.top_category_id,
        dim_products.top_category_name,
        dim_products.is_deleted,
        dim_products.is_placeholder
    from {{ in_this_database(ref('dim_products')) }} as dim_products
    where {{ viewer_has_any_scope() }}
)

select * from final
