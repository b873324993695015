{%- set touched -%}
{{ changed_records('contacts') }}
union all
{{ became_known('contacts', 'customer_id', 'core_customers', 'customer_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'contact_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('contacts', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

final as (
    select
        current_rows.contact_id,
        {{ resolve_reference('current_rows.customer_id', 'customers.customer_id') }} as customer_id,
        current_rows.full_name,
        current_rows.gender,
        current_rows.birthday,
        current_rows.is_primary,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join customers on current_rows.customer_id = customers.customer_id
)

select * from final
