with final as (
    select
        fct_customer_events.event_kind,
        fct_customer_events.event_id,
        fct_customer_events.customer_id,
        fct_customer_events.manager_id,
        fct_customer_events.manager_current_id,
        fct_customer_events.is_customer_deleted,
        fct_customer_events.event_date,
        fct_customer_events.month_date,
        fct_customer_events.interaction_type,
        fct_customer_events.new_customers,
        fct_customer_events.interactions,
        fct_customer_events.call_seconds,
        fct_customer_events.orders,
        fct_customer_events.sales_amount,
        fct_customer_events.revenue_amount,
        fct_customer_events.collected_amount
    from {{ in_this_database(ref('fct_customer_events')) }} as fct_customer_events
    where
        {{ in_viewer_scope('fct_customer_events.manager_id', ['employee', 'customer']) }}
        or {{ in_viewer_scope('fct_customer_events.manager_current_id', ['employee', 'customer']) }}
)

select * from final
