-- One row per user, active and former. Who is in both lists left between the two questions, which are asked in this order.
-- Ranks, titles and further departments are not in the API: files bring them.
with users as (
    select
        id,
        body,
        'true' as is_active
    from users_active_now
    where id not in (select id from users_inactive_now)
    union all
    select
        id,
        body,
        'false' as is_active
    from users_inactive_now
)

select
    id as employee_id,
    coalesce(text_of(body, '$.contact_name'), text_of(body, '$.user_name')) as full_name,
    text_of(body, '$.email') as email,
    reference_of(body, '$.dept_id') as department_id,
    is_active
from users
