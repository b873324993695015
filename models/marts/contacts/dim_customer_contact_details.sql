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
        cast(customers.customer_id as string) as customer_id,
        cast(customers.manager_id as string) as manager_id,
        cast(customers.phone as string) as phone,
        cast(customers.email as string) as email
    from customers
    where not customers.is_deleted
)

select * from final
