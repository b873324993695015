{%- set touched -%}
select interaction_key from {{ changes('core_customer_interactions') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'interaction_key', 'touched': touched}}) }}

with interactions as (
    select * from {{ ref('core_customer_interactions') }}
    {{ in_scope('interaction_key') }}
),

final as (
    select
        cast(interactions.interaction_key as string) as interaction_key,
        cast(interactions.interaction_id as string) as interaction_id,
        cast(interactions.customer_id as string) as customer_id,
        cast(interactions.employee_id as string) as employee_id,
        cast(interactions.interaction_type as string) as interaction_type,
        cast(interactions.direction as string) as direction,
        cast(interactions.outcome as string) as outcome,
        cast(interactions.occurred_at as timestamp) as occurred_at,
        cast(interactions.occurred_date as date) as occurred_date,
        cast(interactions.month_date as date) as month_date,
        cast(interactions.duration_seconds as bigint) as duration_seconds,
        cast(case when interactions.is_counted then 1 else 0 end as bigint) as interactions,
        cast(interactions.is_counted as boolean) as is_counted,
        cast(interactions.is_contact as boolean) as is_contact
    from interactions
    where not interactions.is_deleted
)

select * from final
