with customers as (
    select
        customer_id,
        last_contact_at
    from {{ ref('core_customers') }}
),

contacts as (
    select
        customer_id,
        occurred_at as contact_at
    from {{ ref('core_customer_interactions') }}
    where is_contact
),

-- Writing a sale up means talking to the customer, whatever became of the order.
sales as (
    select
        customer_id,
        coalesce(created_at, cast(order_date as timestamp)) as contact_at
    from {{ ref('core_orders') }}
    where
        order_type = 'sale'
        and not is_deleted
),

events as (
    select * from contacts
    union all
    select * from sales
),

derived as (
    select
        customer_id,
        max(contact_at) as last_contact_derived_at
    from events
    where contact_at < {{ as_of_end() }}
    group by customer_id
),

-- A last contact in the future is a slip of the CRM's pen, and no contact.
reported as (
    select
        customer_id,
        case when last_contact_at < {{ as_of_end() }} then last_contact_at end as last_contact_reported_at
    from customers
),

final as (
    select
        reported.customer_id,
        reported.last_contact_reported_at,
        derived.last_contact_derived_at,
        coalesce(reported.last_contact_reported_at, derived.last_contact_derived_at) as last_contact_at
    from reported
    left join derived on reported.customer_id = derived.customer_id
)

select * from final
