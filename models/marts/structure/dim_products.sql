with recursive products as (
    select * from {{ ref('core_products') }}
),

product_categories as (
    select * from {{ ref('core_product_categories') }}
),

placeholders as (
    {{ placeholder_members() }}
),

-- A category and everything above it, each once: the way ends where a circle closes.
lineage as (
    select
        product_categories.category_id,
        product_categories.category_id as ancestor_id,
        chr(31) || product_categories.category_id || chr(31) as visited
    from product_categories
    union all
    select
        lineage.category_id,
        parents.category_id as ancestor_id,
        lineage.visited || parents.category_id || chr(31) as visited
    from lineage
    inner join product_categories on lineage.ancestor_id = product_categories.category_id
    inner join product_categories as parents on product_categories.parent_category_id = parents.category_id
    where instr(lineage.visited, chr(31) || parents.category_id || chr(31)) = 0
),

top_categories as (
    select
        lineage.category_id,
        ancestors.category_id as top_category_id,
        ancestors.category_name as top_category_name
    from lineage
    inner join product_categories as ancestors on lineage.ancestor_id = ancestors.category_id
    left join product_categories as parents on ancestors.parent_category_id = parents.category_id
    where parents.category_id is null
),

-- A plain list of names may use a placeholder's id for a member of its own: that member stands, the placeholder gives way.
members as (
    select
        products.product_id,
        products.product_code,
        products.product_name,
        products.category_id,
        products.is_deleted,
        false as is_placeholder
    from products
    union all
    select
        placeholders.member_id as product_id,
        null as product_code,
        placeholders.member_name as product_name,
        placeholders.member_id as category_id,
        false as is_deleted,
        true as is_placeholder
    from placeholders
    left join products on placeholders.member_id = products.product_id
    where products.product_id is null
),

final as (
    select
        cast(members.product_id as string) as product_id,
        cast(members.product_code as string) as product_code,
        cast(members.product_name as string) as product_name,
        cast(members.category_id as string) as category_id,
        cast(coalesce(product_categories.category_name, category_placeholders.member_name) as string) as category_name,
        cast(coalesce(top_categories.top_category_id, members.category_id) as string) as top_category_id,
        cast(coalesce(top_categories.top_category_name, product_categories.category_name, category_placeholders.member_name) as string)
            as top_category_name,
        cast(members.is_deleted as boolean) as is_deleted,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
    left join product_categories on members.category_id = product_categories.category_id
    left join top_categories on members.category_id = top_categories.category_id
    left join placeholders as category_placeholders on members.category_id = category_placeholders.member_id
)

select * from final
