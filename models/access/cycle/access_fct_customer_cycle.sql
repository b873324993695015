with final as (
    select
        fct_customer_cycle.customer_id,
        fct_customer_cycle.result_type,
        fct_customer_cycle.result_id,
        fct_customer_cycle.manager_id,
        fct_customer_cycle.created_date,
        fct_customer_cycle.event_date,
        fct_customer_cycle.days_to_event,
        fct_customer_cycle.days_observed,
        fct_customer_cycle.is_converted,
        fct_customer_cycle.has_negative_duration
    from {{ in_this_database(ref('fct_customer_cycle')) }} as fct_customer_cycle
    where {{ in_viewer_scope('fct_customer_cycle.manager_id', ['employee', 'customer']) }}
)

select * from final
