-- An event belongs to the owner of the nearest stretch that began before it, else of the first; now, to whom the customer's record names.
{% set read = [
    ref('fct_customer_events'),
    ref('fct_interactions'),
    ref('dim_customers'),
    ref('core_customer_owner_history'),
] %}

with interactions as (
    select
        'interaction' as event_kind,
        interaction_key as event_id,
        occurred_at
    from {{ rows_of_changed(ref('fct_interactions'), 'customer_id', read) }}
),

events as (
    select
        events.event_kind,
        events.event_id,
        events.customer_id,
        events.manager_id,
        events.manager_current_id,
        coalesce(
            interactions.occurred_at,
            case when events.event_kind = 'customer' then customers.created_at end,
            {{ last_instant_of('events.event_date') }}
        ) as owned_at,
        customers.manager_id as record_manager_id
    from {{ rows_of_changed(ref('fct_customer_events'), 'customer_id', read) }} as events
    inner join {{ ref('dim_customers') }} as customers on events.customer_id = customers.customer_id
    left join interactions
        on
            events.event_kind = interactions.event_kind
            and events.event_id = interactions.event_id
),

-- Later starts first, those after the event last: the nearest stretch before it, else the first one.
candidates as (
    select
        events.event_kind,
        events.event_id,
        owners.manager_id,
        row_number() over (
            partition by events.event_kind, events.event_id
            order by
                case when owners.valid_from_at <= events.owned_at then 0 else 1 end,
                case when owners.valid_from_at <= events.owned_at then owners.valid_from_at end desc,
                owners.valid_from_at
        ) as candidate_number
    from events
    inner join {{ rows_of_changed(ref('core_customer_owner_history'), 'customer_id', read) }} as owners
        on events.customer_id = owners.customer_id
),

final as (
    select
        events.event_kind,
        events.event_id,
        events.manager_id,
        candidates.manager_id as expected_manager_id
    from events
    left join candidates
        on
            events.event_kind = candidates.event_kind
            and events.event_id = candidates.event_id
            and candidates.candidate_number = 1
    where
        events.manager_current_id != events.record_manager_id
        or events.manager_id != coalesce(
            candidates.manager_id,
            case when events.customer_id = 'none' then 'none' else 'unknown' end
        )
)

select * from final
