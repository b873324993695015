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

with current_rows as (
    {{ current_version('orders', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

status_rules as (
    select
        order_type,
        status,
        is_counted,
        is_pending
    from {{ ref('order_status_rules') }}
),

final as (
    select
        current_rows.order_id,
        current_rows.order_code,
        {{ resolve_reference('current_rows.customer_id', 'customers.customer_id') }} as customer_id,
        {{ resolve_reference('current_rows.executor_id', 'executors.employee_id') }} as executor_id,
        {{ resolve_reference('current_rows.creator_id', 'creators.employee_id') }} as creator_id,
        current_rows.order_type,
        case when current_rows.order_type = 'return' then -1 else 1 end as sign,
        current_rows.status,
        not current_rows.is_deleted and coalesce(status_rules.is_counted, false) as is_counted,
        not current_rows.is_deleted and coalesce(status_rules.is_pending, false) as is_pending,
        current_rows.order_date,
        {{ month_of('current_rows.order_date') }} as month_date,
        current_rows.created_at,
        cast(current_rows.created_at as date) as created_date,
        current_rows.discount_amount,
        current_rows.vat_amount,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join customers on current_rows.customer_id = customers.customer_id
    left join employees as executors on current_rows.executor_id = executors.employee_id
    left join employees as creators on current_rows.creator_id = creators.employee_id
    left join status_rules
        on
            current_rows.order_type = status_rules.order_type
            and current_rows.status = status_rules.status
)

select * from final
