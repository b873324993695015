{%- set touched -%}
select month_date from {{ changes('fct_interactions') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with interactions as (
    select * from {{ ref('fct_interactions') }}
    {{ in_scope('month_date') }}
),

final as (
    select
        cast(interactions.month_date as date) as month_date,
        cast(interactions.employee_id as string) as employee_id,
        cast(interactions.interaction_type as string) as interaction_type,
        cast(sum(interactions.interactions) as bigint) as interactions,
        cast(count(*) as bigint) as interactions_logged,
        cast(count(distinct case when interactions.is_counted then interactions.customer_id end) as bigint)
            as interacted_customers
    from interactions
    group by
        interactions.month_date,
        interactions.employee_id,
        interactions.interaction_type
)

select * from final
