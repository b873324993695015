-- One row per relation (stage) of customers.
select
    id as relationship_id,
    text_of(body, '$.relation_name') as relationship_name,
    text_of(body, '$.relation_order') as relationship_order,
    flag_of(body, '$.is_default') as is_default,
    moment_of(body, '$.deleted_at') as deleted_at
from relations_now
