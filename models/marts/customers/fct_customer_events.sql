{%- set touched -%}
select customer_id from {{ changes('dim_customers') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from {{ changes('fct_interactions') }}
union all
select customer_id from {{ changes('fct_orders') }}
union all
select customer_id from {{ changes('fct_payments') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('dim_customers') }}
    {{ in_scope('customer_id') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
    {{ in_scope('customer_id') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
    {{ in_scope('customer_id') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('customer_id') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
    {{ in_scope('customer_id') }}
),

events as (
    select
        'customer' as event_kind,
        customers.customer_id as event_id,
        customers.customer_id,
        customers.created_at as owned_at,
        customers.created_date as event_date,
        customers.created_month_date as month_date,
        null as interaction_type,
        1 as new_customers,
        0 as interactions,
        0 as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from customers
    where not customers.is_placeholder
    union all
    select
        'interaction' as event_kind,
        interactions.interaction_key as event_id,
        interactions.customer_id,
        interactions.occurred_at as owned_at,
        interactions.occurred_date as event_date,
        interactions.month_date,
        interactions.interaction_type,
        0 as new_customers,
        interactions.interactions,
        case when interactions.interaction_type = 'call' then coalesce(interactions.duration_seconds, 0) else 0 end as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from interactions
    where interactions.is_counted
    union all
    select
        'order' as event_kind,
        orders.order_id as event_id,
        orders.customer_id,
        {{ last_instant_of('orders.order_date') }} as owned_at,
        orders.order_date as event_date,
        orders.month_date,
        null as interaction_type,
        0 as new_customers,
        0 as interactions,
        0 as call_seconds,
        orders.orders,
        orders.sales_amount,
        orders.revenue_amount,
        0 as collected_amount
    from orders
    where orders.is_counted
    union all
    select
        'payment' as event_kind,
        payments.payment_id as event_id,
        payments.customer_id,
        {{ last_instant_of('payments.paid_date') }} as owned_at,
        payments.paid_date as event_date,
        payments.month_date,
        null as interaction_type,
        0 as new_customers,
        0 as interactions,
        0 as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        payments.collected_amount
    from payments
    where payments.is_counted
),

numbered as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        owner_history.valid_from_at,
        lead(owner_history.valid_from_at) over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as next_from_at,
        row_number() over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as stretch_number
    from owner_history
),

-- An owner answers for everything up to the next owner's start, the first one also for what came before: no event falls into a gap.
-- Both bounds are given, never null, because a join with `or` compares every event with every stretch.
stretches as (
    select
        numbered.customer_id,
        numbered.manager_id,
        case when numbered.stretch_number = 1 then cast('0001-01-01' as timestamp) else numbered.valid_from_at end as answers_from_at,
        coalesce(numbered.next_from_at, cast('9999-12-31' as timestamp)) as answers_to_at
    from numbered
),

final as (
    select
        cast(events.event_kind as string) as event_kind,
        cast(events.event_id as string) as event_id,
        cast(events.customer_id as string) as customer_id,
        cast(case when customers.is_placeholder then customers.manager_id else coalesce(stretches.manager_id, 'unknown') end as string)
            as manager_id,
        cast(customers.manager_id as string) as manager_current_id,
        cast(customers.is_deleted as boolean) as is_customer_deleted,
        cast(events.event_date as date) as event_date,
        cast(events.month_date as date) as month_date,
        cast(events.interaction_type as string) as interaction_type,
        cast(events.new_customers as bigint) as new_customers,
        cast(events.interactions as bigint) as interactions,
        cast(events.call_seconds as bigint) as call_seconds,
        cast(events.orders as bigint) as orders,
        cast(events.sales_amount as decimal(18, 2)) as sales_amount,
        cast(events.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(events.collected_amount as decimal(18, 2)) as collected_amount
    from events
    inner join customers on events.customer_id = customers.customer_id
    left join stretches
        on
            events.customer_id = stretches.customer_id
            and events.owned_at >= stretches.answers_from_at
            and events.owned_at < stretches.answers_to_at
)

select * from final
