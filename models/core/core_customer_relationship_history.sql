{%- set touched -%}
select customer_id from {{ changes('core_customer_changes') }}
union all
select customer_id from {{ changes('core_customers_history') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with intervals as (
    {{ customer_field_history('relationship_id') | indent(4) }}
),

final as (
    select
        customer_id,
        relationship_id,
        valid_from_at,
        valid_to_at,
        is_inferred_start
    from intervals
)

select * from final
