{%- set touched -%}
{{ changed_records('customer_changes') }}
union all
{{ became_known('customer_changes', 'customer_id', 'core_customers', 'customer_id') }}
union all
select _record_key
from staging.stg_contract__customer_changes
where old_value in (({{ new_keys('core_employees', 'employee_id') }}) union all ({{ new_keys('core_relationships', 'relationship_id') }}))
union all
select _record_key
from staging.stg_contract__customer_changes
where new_value in (({{ new_keys('core_employees', 'employee_id') }}) union all ({{ new_keys('core_relationships', 'relationship_id') }}))
union all
{{ became_known('customer_changes', 'changed_by', 'core_employees', 'employee_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': '_record_key', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('customer_changes') | indent(4) }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

relationships as (
    select relationship_id from {{ ref('core_relationships') }}
),

-- What a field's values point at.
members as (
    select
        'manager_id' as field,
        employee_id as member_id
    from employees
    union all
    select
        'relationship_id' as field,
        relationship_id as member_id
    from relationships
),

final as (
    select
        {{ resolve_reference('current_rows.customer_id', 'customers.customer_id') }} as customer_id,
        current_rows.field,
        {{ resolve_reference('current_rows.old_value', 'old_members.member_id') }} as old_value,
        {{ resolve_reference('current_rows.new_value', 'new_members.member_id') }} as new_value,
        current_rows.changed_at,
        {{ resolve_reference('current_rows.changed_by', 'changers.employee_id') }} as changed_by,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows._record_key,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join customers on current_rows.customer_id = customers.customer_id
    left join members as old_members
        on
            current_rows.field = old_members.field
            and current_rows.old_value = old_members.member_id
    left join members as new_members
        on
            current_rows.field = new_members.field
            and current_rows.new_value = new_members.member_id
    left join employees as changers on current_rows.changed_by = changers.employee_id
)

select * from final
