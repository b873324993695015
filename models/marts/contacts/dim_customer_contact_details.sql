{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

final as (
    select
        cast(customers.customer_id as varchar) as customer_id,
        cast(customers.manager_id as varchar) as manager_id,
        cast(customers.phone as varchar) as phone,
        cast(customers.email as varchar) as email
    from customers
    where not customers.is_deleted
)

select * from final
