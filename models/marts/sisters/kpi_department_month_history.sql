{%- set touched -%}
select month_date from {{ changes('fct_interactions') }}
union all
select month_date from {{ changes('fct_tasks') }}
union all
select month_date from {{ changes('fct_orders') }}
union all
select month_date from {{ changes('fct_payments') }}
union all
select month_date from marts.dim_date where exists (select 1 from {{ changes('dim_employee_department_history') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with interactions as (
    select * from {{ ref('fct_interactions') }}
    {{ in_scope('month_date') }}
),

tasks as (
    select * from {{ ref('fct_tasks') }}
    {{ in_scope('month_date') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('month_date') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
    {{ in_scope('month_date') }}
),

places as (
    select * from {{ ref('dim_employee_department_history') }}
),

events as (
    select
        interactions.employee_id,
        interactions.occurred_at as acted_at,
        interactions.month_date,
        interactions.interactions,
        0 as activities,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from interactions
    union all
    select
        tasks.assignee_id as employee_id,
        tasks.created_at as acted_at,
        tasks.month_date,
        0 as interactions,
        1 as activities,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        0 as collected_amount
    from tasks
    union all
    select
        orders.executor_id as employee_id,
        {{ last_instant_of('orders.order_date') }} as acted_at,
        orders.month_date,
        0 as interactions,
        0 as activities,
        orders.orders,
        orders.sales_amount,
        orders.revenue_amount,
        0 as collected_amount
    from orders
    union all
    select
        payments.executor_id as employee_id,
        {{ last_instant_of('payments.paid_date') }} as acted_at,
        payments.month_date,
        0 as interactions,
        0 as activities,
        0 as orders,
        0 as sales_amount,
        0 as revenue_amount,
        payments.collected_amount
    from payments
),

totals as (
    select
        events.month_date,
        places.department_id,
        sum(events.interactions) as interactions,
        sum(events.activities) as activities,
        sum(events.orders) as orders,
        sum(events.sales_amount) as sales_amount,
        sum(events.revenue_amount) as revenue_amount,
        sum(events.collected_amount) as collected_amount
    from events
    inner join places
        on
            events.employee_id = places.employee_id
            and events.acted_at >= places.valid_from_at
            and (places.valid_to_at is null or events.acted_at < places.valid_to_at)
    group by
        events.month_date,
        places.department_id
),

final as (
    select
        cast(totals.month_date as date) as month_date,
        cast(totals.department_id as string) as department_id,
        cast(totals.interactions as bigint) as interactions,
        cast(totals.activities as bigint) as activities,
        cast(totals.orders as bigint) as orders,
        cast(totals.sales_amount as decimal(18, 2)) as sales_amount,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.collected_amount as decimal(18, 2)) as collected_amount
    from totals
    where
        totals.interactions != 0
        or totals.activities != 0
        or totals.orders != 0
        or totals.sales_amount != 0
        or totals.revenue_amount != 0
        or totals.collected_amount != 0
)

select * from final
