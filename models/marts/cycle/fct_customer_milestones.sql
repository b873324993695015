{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_customer_owner_history') }}
union all
select customer_id from {{ changes('fct_interactions') }}
union all
select customer_id from {{ changes('fct_orders') }}
union all
select customer_id from {{ changes('fct_payments') }}
union all
select customer_id from marts.fct_interactions where {{ became_past('occurred_date') }}
union all
select customer_id from marts.fct_orders where {{ became_past('order_date') }}
union all
select customer_id from marts.fct_payments where {{ became_past('paid_date') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select * from {{ ref('core_customers') }}
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

ranked_owners as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        row_number() over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as owner_rank
    from owner_history
),

first_interactions as (
    select
        interactions.customer_id,
        min(interactions.occurred_date) as first_interaction_date,
        min(case when interactions.interaction_type = 'task' then interactions.occurred_date end) as first_task_date
    from interactions
    where
        interactions.is_counted
        and interactions.occurred_date <= {{ as_of() }}
    group by interactions.customer_id
),

bought as (
    select
        orders.customer_id,
        min(case when orders.orders = 1 then orders.order_date end) as first_order_date,
        sum(orders.revenue_amount) as revenue_amount
    from orders
    where orders.order_date <= {{ as_of() }}
    group by orders.customer_id
),

first_payments as (
    select
        payments.customer_id,
        min(payments.paid_date) as first_payment_date
    from payments
    where
        payments.collected_amount > 0
        and payments.paid_date <= {{ as_of() }}
    group by payments.customer_id
),

milestones as (
    select
        customers.customer_id,
        customers.created_month_date,
        customers.is_deleted,
        coalesce(ranked_owners.manager_id, 'unknown') as manager_id,
        first_interactions.first_interaction_date,
        first_interactions.first_task_date,
        bought.first_order_date,
        first_payments.first_payment_date,
        coalesce(bought.revenue_amount, 0) as revenue_amount
    from customers
    left join ranked_owners
        on
            customers.customer_id = ranked_owners.customer_id
            and ranked_owners.owner_rank = 1
    left join first_interactions on customers.customer_id = first_interactions.customer_id
    left join bought on customers.customer_id = bought.customer_id
    left join first_payments on customers.customer_id = first_payments.customer_id
),

-- Reached or passed: whoever reached a later step counts as having reached the ones before it.
final as (
    select
        cast(milestones.customer_id as string) as customer_id,
        cast(milestones.created_month_date as date) as cohort_month_date,
        cast(milestones.manager_id as string) as manager_id,
        cast(milestones.first_interaction_date as date) as first_interaction_date,
        cast(milestones.first_task_date as date) as first_task_date,
        cast(milestones.first_order_date as date) as first_order_date,
        cast(milestones.first_payment_date as date) as first_payment_date,
        cast(
            coalesce(
                milestones.first_interaction_date,
                milestones.first_task_date,
                milestones.first_order_date,
                milestones.first_payment_date
            ) is not null as boolean
        ) as has_reached_interaction,
        cast(
            coalesce(milestones.first_task_date, milestones.first_order_date, milestones.first_payment_date)
            is not null as boolean
        ) as has_reached_task,
        cast(coalesce(milestones.first_order_date, milestones.first_payment_date) is not null as boolean)
            as has_reached_order,
        cast(milestones.first_payment_date is not null as boolean) as has_reached_payment,
        cast(milestones.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(milestones.is_deleted as boolean) as is_deleted
    from milestones
)

select * from final
