-- Every counted fact is one event with the fact's own figures and customer, and every event is a counted fact.
{% set read = [
    ref('fct_customer_events'),
    ref('dim_customers'),
    ref('fct_interactions'),
    ref('fct_orders'),
    ref('fct_payments'),
] %}

with facts as (
    select
        'customer' as event_kind,
        customer_id as event_id,
        customer_id,
        created_date as event_date,
        1 as new_customers,
        0 as interactions,
        0 as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from {{ rows_of_changed(ref('dim_customers'), 'customer_id', read) }}
    where not is_placeholder
    union all
    select
        'interaction' as event_kind,
        interaction_key as event_id,
        customer_id,
        occurred_date as event_date,
        0 as new_customers,
        interactions,
        case when interaction_type = 'call' then coalesce(duration_seconds, 0) else 0 end as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from {{ rows_of_changed(ref('fct_interactions'), 'customer_id', read) }}
    where interactions != 0
    union all
    select
        'order' as event_kind,
        order_id as event_id,
        customer_id,
        order_date as event_date,
        0 as new_customers,
        0 as interactions,
        0 as call_seconds,
        orders,
        sales_amount,
        revenue_amount,
        0 as collected_amount
    from {{ rows_of_changed(ref('fct_orders'), 'customer_id', read) }}
    where orders + returns != 0
    union all
    select
        'payment' as event_kind,
        payment_id as event_id,
        customer_id,
        paid_date as event_date,
        0 as new_customers,
        0 as interactions,
        0 as call_seconds,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        collected_amount
    from {{ rows_of_changed(ref('fct_payments'), 'customer_id', read) }}
    where is_counted
),

final as (
    select
        coalesce(events.event_kind, facts.event_kind) as event_kind,
        coalesce(events.event_id, facts.event_id) as event_id
    from {{ rows_of_changed(ref('fct_customer_events'), 'customer_id', read) }} as events
    full outer join facts
        on
            events.event_kind = facts.event_kind
            and events.event_id = facts.event_id
    where
        events.event_id is null
        or facts.event_id is null
        or events.customer_id != facts.customer_id
        or events.event_date != facts.event_date
        or events.month_date != {{ month_of('facts.event_date') }}
        or events.new_customers != facts.new_customers
        or events.interactions != facts.interactions
        or events.call_seconds != facts.call_seconds
        or events.orders != facts.orders
        or events.sales_amount != facts.sales_amount
        or events.revenue_amount != facts.revenue_amount
        or events.collected_amount != facts.collected_amount
)

select * from final
