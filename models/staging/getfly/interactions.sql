-- One row per comment (trao doi) received that night, and per comment that was gone when its account was read again.
-- Calls, messages and mails are not in the API: files bring them.
select
    id as interaction_id,
    coalesce(reference_of(body, '$.account_id'), parent) as customer_id,
    reference_of(body, '$.creator') as employee_id,
    'comment' as type,
    case when flag_of(body, '$.is_feedback') = 'true' then 'inbound' else 'outbound' end as direction,
    moment_of(body, '$.created_at') as occurred_at,
    moment_of(body, '$.created_at') as updated_at,
    deleted_at
from comments
