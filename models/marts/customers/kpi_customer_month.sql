{%- set touched -%}
select month_date from {{ changes('fct_funnel') }}
union all
select month_date from {{ changes('fct_customer_events') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with funnel as (
    select * from {{ ref('fct_funnel') }}
    {{ in_scope('month_date') }}
),

events as (
    select * from {{ ref('fct_customer_events') }}
    {{ in_scope('month_date') }}
),

then_totals as (
    select
        events.month_date,
        events.manager_id,
        sum(case when events.interaction_type = 'email' then events.interactions else 0 end) as customer_emails_read,
        sum(case when events.interaction_type = 'sms' then events.interactions else 0 end) as customer_sms_delivered,
        sum(case when events.interaction_type = 'call' then events.interactions else 0 end) as customer_calls_answered,
        sum(events.call_seconds) as customer_call_seconds,
        sum(case when events.interaction_type = 'task' then events.interactions else 0 end) as customer_tasks,
        sum(events.interactions) as customer_interactions,
        sum(events.orders) as customer_orders,
        sum(events.sales_amount) as customer_sales_amount,
        sum(events.revenue_amount) as customer_revenue_amount,
        sum(events.collected_amount) as customer_collected_amount
    from events
    group by
        events.month_date,
        events.manager_id
),

current_totals as (
    select
        events.month_date,
        events.manager_current_id as manager_id,
        sum(case when events.interaction_type = 'email' then events.interactions else 0 end) as customer_emails_read,
        sum(case when events.interaction_type = 'sms' then events.interactions else 0 end) as customer_sms_delivered,
        sum(case when events.interaction_type = 'call' then events.interactions else 0 end) as customer_calls_answered,
        sum(events.call_seconds) as customer_call_seconds,
        sum(case when events.interaction_type = 'task' then events.interactions else 0 end) as customer_tasks,
        sum(events.interactions) as customer_interactions,
        sum(events.orders) as customer_orders,
        sum(events.sales_amount) as customer_sales_amount,
        sum(events.revenue_amount) as customer_revenue_amount,
        sum(events.collected_amount) as customer_collected_amount
    from events
    where not events.is_customer_deleted
    group by
        events.month_date,
        events.manager_current_id
),

manager_months as (
    select
        funnel.month_date,
        funnel.employee_id as manager_id
    from funnel
    union
    select
        then_totals.month_date,
        then_totals.manager_id
    from then_totals
    union
    select
        current_totals.month_date,
        current_totals.manager_id
    from current_totals
),

measured as (
    select
        manager_months.month_date,
        manager_months.manager_id,
        coalesce(funnel.new_customers, 0) as new_customers,
        coalesce(funnel.new_customers_current, 0) as new_customers_current,
        coalesce(funnel.customers_in_charge, 0) as customers_in_charge,
        coalesce(funnel.customers_in_charge_current, 0) as customers_in_charge_current,
        coalesce(then_totals.customer_emails_read, 0) as customer_emails_read,
        coalesce(current_totals.customer_emails_read, 0) as customer_emails_read_current,
        coalesce(then_totals.customer_sms_delivered, 0) as customer_sms_delivered,
        coalesce(current_totals.customer_sms_delivered, 0) as customer_sms_delivered_current,
        coalesce(then_totals.customer_calls_answered, 0) as customer_calls_answered,
        coalesce(current_totals.customer_calls_answered, 0) as customer_calls_answered_current,
        coalesce(then_totals.customer_call_seconds, 0) as customer_call_seconds,
        coalesce(current_totals.customer_call_seconds, 0) as customer_call_seconds_current,
        coalesce(then_totals.customer_tasks, 0) as customer_tasks,
        coalesce(current_totals.customer_tasks, 0) as customer_tasks_current,
        coalesce(then_totals.customer_interactions, 0) as customer_interactions,
        coalesce(current_totals.customer_interactions, 0) as customer_interactions_current,
        coalesce(then_totals.customer_orders, 0) as customer_orders,
        coalesce(current_totals.customer_orders, 0) as customer_orders_current,
        coalesce(then_totals.customer_sales_amount, 0) as customer_sales_amount,
        coalesce(current_totals.customer_sales_amount, 0) as customer_sales_amount_current,
        coalesce(then_totals.customer_revenue_amount, 0) as customer_revenue_amount,
        coalesce(current_totals.customer_revenue_amount, 0) as customer_revenue_amount_current,
        coalesce(then_totals.customer_collected_amount, 0) as customer_collected_amount,
        coalesce(current_totals.customer_collected_amount, 0) as customer_collected_amount_current
    from manager_months
    left join funnel
        on
            manager_months.month_date = funnel.month_date
            and manager_months.manager_id = funnel.employee_id
    left join then_totals
        on
            manager_months.month_date = then_totals.month_date
            and manager_months.manager_id = then_totals.manager_id
    left join current_totals
        on
            manager_months.month_date = current_totals.month_date
            and manager_months.manager_id = current_totals.manager_id
),

final as (
    select
        cast(measured.month_date as date) as month_date,
        cast(measured.manager_id as string) as manager_id,
        cast(measured.new_customers as bigint) as new_customers,
        cast(measured.new_customers_current as bigint) as new_customers_current,
        cast(measured.customers_in_charge as bigint) as customers_in_charge,
        cast(measured.customers_in_charge_current as bigint) as customers_in_charge_current,
        cast(measured.customer_emails_read as bigint) as customer_emails_read,
        cast(measured.customer_emails_read_current as bigint) as customer_emails_read_current,
        cast(measured.customer_sms_delivered as bigint) as customer_sms_delivered,
        cast(measured.customer_sms_delivered_current as bigint) as customer_sms_delivered_current,
        cast(measured.customer_calls_answered as bigint) as customer_calls_answered,
        cast(measured.customer_calls_answered_current as bigint) as customer_calls_answered_current,
        cast(measured.customer_call_seconds as bigint) as customer_call_seconds,
        cast(measured.customer_call_seconds_current as bigint) as customer_call_seconds_current,
        cast(measured.customer_tasks as bigint) as customer_tasks,
        cast(measured.customer_tasks_current as bigint) as customer_tasks_current,
        cast(measured.customer_interactions as bigint) as customer_interactions,
        cast(measured.customer_interactions_current as bigint) as customer_interactions_current,
        cast(measured.customer_orders as bigint) as customer_orders,
        cast(measured.customer_orders_current as bigint) as customer_orders_current,
        cast(measured.customer_sales_amount as decimal(18, 2)) as customer_sales_amount,
        cast(measured.customer_sales_amount_current as decimal(18, 2)) as customer_sales_amount_current,
        cast(measured.customer_revenue_amount as decimal(18, 2)) as customer_revenue_amount,
        cast(measured.customer_revenue_amount_current as decimal(18, 2)) as customer_revenue_amount_current,
        cast(measured.customer_collected_amount as decimal(18, 2)) as customer_collected_amount,
        cast(measured.customer_collected_amount_current as decimal(18, 2)) as customer_collected_amount_current
    from measured
    where
        measured.new_customers != 0
        or measured.new_customers_current != 0
        or measured.customers_in_charge != 0
        or measured.customers_in_charge_current != 0
        or measured.customer_emails_read != 0
        or measured.customer_emails_read_current != 0
        or measured.customer_sms_delivered != 0
        or measured.customer_sms_delivered_current != 0
        or measured.customer_calls_answered != 0
        or measured.customer_calls_answered_current != 0
        or measured.customer_call_seconds != 0
        or measured.customer_call_seconds_current != 0
        or measured.customer_tasks != 0
        or measured.customer_tasks_current != 0
        or measured.customer_interactions != 0
        or measured.customer_interactions_current != 0
        or measured.customer_orders != 0
        or measured.customer_orders_current != 0
        or measured.customer_sales_amount != 0
        or measured.customer_sales_amount_current != 0
        or measured.customer_revenue_amount != 0
        or measured.customer_revenue_amount_current != 0
        or measured.customer_collected_amount != 0
        or measured.customer_collected_amount_current != 0
)

select * from final
