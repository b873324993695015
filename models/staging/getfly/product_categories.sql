-- One row per product category.
select
    id as category_id,
    text_of(body, '$.category_name') as category_name,
    reference_of(body, '$.parent_id') as parent_category_id
from product_categories_now
