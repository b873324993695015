{%- set touched -%}
{{ changed_records('interactions') }}
union all
{{ became_known('interactions', 'customer_id', 'core_customers', 'customer_id') }}
union all
{{ became_known('interactions', 'employee_id', 'core_employees', 'employee_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'interaction_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('interactions', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

final as (
    select
        current_rows.interaction_id,
        {{ resolve_reference('current_rows.customer_id', 'customers.customer_id') }} as customer_id,
        {{ resolve_reference('current_rows.employee_id', 'employees.employee_id') }} as employee_id,
        current_rows.type,
        current_rows.direction,
        current_rows.occurred_at,
        current_rows.outcome,
        current_rows.duration_seconds,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join customers on current_rows.customer_id = customers.customer_id
    left join employees on current_rows.employee_id = employees.employee_id
)

select * from final
