{%- set touched -%}
{{ changed_records('opportunities') }}
union all
{{ became_known('opportunities', 'campaign_id', 'core_campaigns', 'campaign_id') }}
union all
{{ became_known('opportunities', 'customer_id', 'core_customers', 'customer_id') }}
union all
{{ became_known('opportunities', 'owner_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('opportunities', 'product_id', 'core_products', 'product_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'opportunity_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('opportunities', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

campaigns as (
    select campaign_id from {{ ref('core_campaigns') }}
),

customers as (
    select customer_id from {{ ref('core_customers') }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

products as (
    select product_id from {{ ref('core_products') }}
),

final as (
    select
        current_rows.opportunity_id,
        {{ resolve_reference('current_rows.campaign_id', 'campaigns.campaign_id') }} as campaign_id,
        {{ resolve_reference('current_rows.customer_id', 'customers.customer_id') }} as customer_id,
        {{ resolve_reference('current_rows.owner_id', 'owners.employee_id') }} as owner_id,
        {{ resolve_reference('current_rows.product_id', 'products.product_id') }} as product_id,
        current_rows.approach_method,
        current_rows.stage_name,
        current_rows.stage_order,
        current_rows.status,
        current_rows.expected_amount,
        current_rows.created_at,
        current_rows.closed_at,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join campaigns on current_rows.campaign_id = campaigns.campaign_id
    left join customers on current_rows.customer_id = customers.customer_id
    left join employees as owners on current_rows.owner_id = owners.employee_id
    left join products on current_rows.product_id = products.product_id
)

select * from final
