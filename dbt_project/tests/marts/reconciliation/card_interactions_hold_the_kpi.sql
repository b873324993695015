-- The card's rows hold every KPI interaction, by month and who acted, and every customer's creation once.
with events as (
    select
        month_date,
        employee_id,
        sum(interactions) as interactions
    from {{ ref('fct_card_interactions') }}
    group by
        month_date,
        employee_id
),

kpi as (
    select
        month_date,
        employee_id,
        sum(interactions) as interactions
    from {{ ref('fct_interactions') }}
    group by
        month_date,
        employee_id
),

different_months as (
    select
        coalesce(events.month_date, kpi.month_date) as month_date,
        coalesce(events.employee_id, kpi.employee_id) as owner_id
    from events
    full outer join kpi
        on
            events.month_date = kpi.month_date
            and events.employee_id = kpi.employee_id
    where coalesce(events.interactions, 0) != coalesce(kpi.interactions, 0)
),

real_customers as (
    select *
    from {{ ref('dim_customers') }}
    where not is_placeholder
),

creations as (
    select *
    from {{ ref('fct_card_interactions') }}
    where event_type = 'created'
),

different_creations as (
    select
        coalesce(customers.created_month_date, events.month_date) as month_date,
        coalesce(customers.customer_id, events.customer_id) as owner_id
    from real_customers as customers
    full outer join creations as events
        on customers.customer_id = events.customer_id
    where
        customers.created_month_date is distinct from events.month_date
        or customers.creator_id is distinct from events.employee_id
        or events.card_interactions is distinct from 1
),

final as (
    select * from different_months
    union all
    select * from different_creations
)

select * from final
