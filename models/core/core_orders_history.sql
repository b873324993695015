{%- set columns = [
    'order_id',
    'order_code',
    'customer_id',
    'executor_id',
    'creator_id',
    'order_type',
    'status',
    'order_date',
    'created_at',
    'discount_amount',
    'vat_amount',
    'updated_at',
    'deleted_at'
] -%}

{%- set touched -%}
{{ changed_records('orders') }}
union all
{{ became_known('orders', 'customer_id', 'core_customers', 'customer_id') }}
union all
{{ became_known('orders', 'executor_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('orders', 'creator_id', 'core_employees', 'employee_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'order_id', 'touched': touched}}) }}

with versions as (
    {{ entity_history('orders', columns, starts_at="created_at") | indent(4) }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

final as (
    select
        versions.order_id,
        versions.order_code,
        {{ resolve_reference('versions.customer_id', 'customers.customer_id') }} as customer_id,
        {{ resolve_reference('versions.executor_id', 'executors.employee_id') }} as executor_id,
        {{ resolve_reference('versions.creator_id', 'creators.employee_id') }} as creator_id,
        versions.order_type,
        versions.status,
        versions.order_date,
        versions.created_at,
        versions.discount_amount,
        versions.vat_amount,
        versions.updated_at,
        versions.is_deleted,
        versions.gone_at as deleted_at,
        versions.valid_from_at,
        versions.valid_to_at,
        versions.is_current
    from versions
    left join customers on versions.customer_id = customers.customer_id
    left join employees as executors on versions.executor_id = executors.employee_id
    left join employees as creators on versions.creator_id = creators.employee_id
)

select * from final
