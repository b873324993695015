-- One row per product.
select
    id as product_id,
    text_of(body, '$.product_code') as product_code,
    text_of(body, '$.product_name') as product_name,
    reference_of(body, '$.category_id') as category_id,
    moment_of(body, '$.updated_at') as updated_at
from products_now
