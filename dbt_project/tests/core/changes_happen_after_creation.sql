-- Changes logged for a time before the customer was created: their outcome holds from creation on, their own time is lost.
{{ config(severity='warn') }}

select
    changes.customer_id,
    changes.field,
    changes.changed_at,
    customers.created_at
from {{ ref('core_customer_changes') }} as changes
inner join {{ ref('core_customers') }} as customers on changes.customer_id = customers.customer_id
where
    changes.changed_at < customers.created_at
    and not changes.is_deleted
