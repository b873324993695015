{%- set touched -%}
select task_id from {{ changes('core_tasks') }}
union all
select task_id from core.core_bridge_tasks_customers where customer_id = 'unknown' and exists ({{ new_keys('core_customers', 'customer_id') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'task_id', 'touched': touched}}) }}

with tasks as (
    select
        task_id,
        customer_ids
    from {{ ref('core_tasks') }}
    {{ in_scope('task_id') }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

given as (
    {{ unnested('tasks', 'task_id', 'customer_ids', 'customer_id') | indent(4) }}
),

-- A task names a customer once, and several customers that are not there are one unknown customer.
final as (
    select distinct
        given.task_id,
        {{ resolve_reference('given.customer_id', 'customers.customer_id') }} as customer_id
    from given
    left join customers on given.customer_id = customers.customer_id
    where given.customer_id is not null
)

select * from final
