-- A live customer's last owner and last relationship are those of the record. A change log that ends elsewhere than the record
-- contradicts it: both are kept, and the night goes on.
{{ config(severity='warn') }}

with customers as (
    select
        customer_id,
        manager_id,
        relationship_id
    from {{ ref('core_customers') }}
    where not is_deleted
),

owners as (
    select
        customer_id,
        manager_id
    from {{ ref('core_customer_owner_history') }}
    where valid_to_at is null
),

relationships as (
    select
        customer_id,
        relationship_id
    from {{ ref('core_customer_relationship_history') }}
    where valid_to_at is null
)

select
    customers.customer_id,
    customers.manager_id,
    owners.manager_id as last_manager_id,
    customers.relationship_id,
    relationships.relationship_id as last_relationship_id
from customers
left join owners on customers.customer_id = owners.customer_id
left join relationships on customers.customer_id = relationships.customer_id
where
    owners.manager_id is distinct from customers.manager_id
    or relationships.relationship_id is distinct from customers.relationship_id
