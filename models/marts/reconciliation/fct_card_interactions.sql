{%- set touched -%}
select interaction_key from {{ changes('core_customer_interactions') }}
union all
select 'customer:' || customer_id from {{ changes('core_customers') }}
{%- endset -%}
{%- set touched_customers -%}
select customer_id from {{ changes('core_customers') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'card_key', 'touched': touched}}) }}

with interactions as (
    select * from {{ ref('core_customer_interactions') }}
    {{ in_scope('interaction_key') }}
),

customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id', touched_customers) }}
),

events as (
    select
        interactions.interaction_key as card_key,
        interactions.customer_id,
        interactions.employee_id,
        interactions.interaction_type as event_type,
        interactions.outcome,
        interactions.occurred_at,
        interactions.is_deleted,
        case when interactions.is_counted then 1 else 0 end as interactions,
        case when interactions.is_on_card then 1 else 0 end as card_interactions
    from interactions
    where
        interactions.is_counted
        or interactions.is_on_card
    union all
    select
        {{ dbt.concat(["'customer:'", 'customers.customer_id']) }} as card_key,
        customers.customer_id,
        customers.creator_id as employee_id,
        'created' as event_type,
        null as outcome,
        customers.created_at as occurred_at,
        customers.is_deleted,
        0 as interactions,
        1 as card_interactions
    from customers
),

final as (
    select
        cast(events.card_key as string) as card_key,
        cast(events.customer_id as string) as customer_id,
        cast(events.employee_id as string) as employee_id,
        cast(events.event_type as string) as event_type,
        cast(events.outcome as string) as outcome,
        cast(events.occurred_at as timestamp) as occurred_at,
        cast(events.occurred_at as date) as occurred_date,
        {{ month_of('events.occurred_at') }} as month_date,
        cast(events.is_deleted as boolean) as is_deleted,
        cast(events.interactions as bigint) as interactions,
        cast(events.card_interactions as bigint) as card_interactions
    from events
)

select * from final
