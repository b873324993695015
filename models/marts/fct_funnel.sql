with customers as (
    select * from {{ ref('core_customers') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
),

tasks as (
    select * from {{ ref('fct_tasks') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
),

payments as (
    select * from {{ ref('fct_payments') }}
),

dates as (
    select * from {{ ref('dim_date') }}
),

ranked_owners as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        owner_history.valid_from_at,
        row_number() over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as owner_rank,
        lag(owner_history.manager_id) over (
            partition by owner_history.customer_id
            order by owner_history.valid_from_at
        ) as previous_manager_id
    from owner_history
),

new_customers as (
    select
        customers.created_month_date as month_date,
        coalesce(ranked_owners.manager_id, 'unknown') as employee_id,
        count(*) as new_customers
    from customers
    left join ranked_owners
        on
            customers.customer_id = ranked_owners.customer_id
            and ranked_owners.owner_rank = 1
    group by
        customers.created_month_date,
        coalesce(ranked_owners.manager_id, 'unknown')
),

new_customers_current as (
    select
        customers.created_month_date as month_date,
        customers.manager_id as employee_id,
        count(*) as new_customers_current
    from customers
    where not customers.is_deleted
    group by
        customers.created_month_date,
        customers.manager_id
),

-- A customer that comes back to who had it before its deletion is restored, not assigned.
assigned_customers as (
    select
        {{ month_of('ranked_owners.valid_from_at') }} as month_date,
        ranked_owners.manager_id as employee_id,
        count(distinct ranked_owners.customer_id) as customers_assigned
    from ranked_owners
    where coalesce(ranked_owners.previous_manager_id != ranked_owners.manager_id, true)
    group by
        {{ month_of('ranked_owners.valid_from_at') }},
        ranked_owners.manager_id
),

-- A stay counts at every month end from the month it starts in up to, not including, the month it ends in.
in_charge_changes as (
    select
        {{ month_of('owner_history.valid_from_at') }} as month_date,
        owner_history.manager_id as employee_id,
        1 as customers_in_charge,
        0 as customers_in_charge_current
    from owner_history
    where owner_history.valid_from_at < {{ as_of_end() }}
    union all
    select
        {{ month_of('owner_history.valid_to_at') }} as month_date,
        owner_history.manager_id as employee_id,
        -1 as customers_in_charge,
        0 as customers_in_charge_current
    from owner_history
    where
        owner_history.valid_from_at < {{ as_of_end() }}
        and owner_history.valid_to_at < {{ as_of_end() }}
    union all
    select
        customers.created_month_date as month_date,
        customers.manager_id as employee_id,
        0 as customers_in_charge,
        1 as customers_in_charge_current
    from customers
    where
        not customers.is_deleted
        and customers.created_at < {{ as_of_end() }}
),

monthly_changes as (
    select
        in_charge_changes.month_date,
        in_charge_changes.employee_id,
        sum(in_charge_changes.customers_in_charge) as customers_in_charge,
        sum(in_charge_changes.customers_in_charge_current) as customers_in_charge_current
    from in_charge_changes
    group by
        in_charge_changes.month_date,
        in_charge_changes.employee_id
),

first_months as (
    select
        monthly_changes.employee_id,
        min(monthly_changes.month_date) as first_month_date
    from monthly_changes
    group by monthly_changes.employee_id
),

months as (
    select distinct dates.month_date
    from dates
    where dates.month_date <= {{ as_of() }}
),

in_charge as (
    select
        months.month_date,
        first_months.employee_id,
        sum(coalesce(monthly_changes.customers_in_charge, 0)) over (
            partition by first_months.employee_id order by months.month_date
        ) as customers_in_charge,
        sum(coalesce(monthly_changes.customers_in_charge_current, 0)) over (
            partition by first_months.employee_id order by months.month_date
        ) as customers_in_charge_current
    from first_months
    inner join months on first_months.first_month_date <= months.month_date
    left join monthly_changes
        on
            first_months.employee_id = monthly_changes.employee_id
            and months.month_date = monthly_changes.month_date
),

monthly_interactions as (
    select
        interactions.month_date,
        interactions.employee_id,
        sum(interactions.interactions) as interactions
    from interactions
    group by
        interactions.month_date,
        interactions.employee_id
),

monthly_activities as (
    select
        tasks.month_date,
        tasks.assignee_id as employee_id,
        count(*) as activities
    from tasks
    group by
        tasks.month_date,
        tasks.assignee_id
),

monthly_orders as (
    select
        orders.month_date,
        orders.executor_id as employee_id,
        sum(orders.orders) as orders,
        sum(orders.returns) as returns,
        sum(orders.pending_orders) as pending_orders,
        sum(orders.sales_amount) as sales_amount,
        sum(orders.revenue_amount) as revenue_amount
    from orders
    group by
        orders.month_date,
        orders.executor_id
),

monthly_collections as (
    select
        payments.month_date,
        payments.executor_id as employee_id,
        sum(payments.collected_amount) as collected_amount
    from payments
    group by
        payments.month_date,
        payments.executor_id
),

employee_months as (
    select
        new_customers.month_date,
        new_customers.employee_id
    from new_customers
    union
    select
        new_customers_current.month_date,
        new_customers_current.employee_id
    from new_customers_current
    union
    select
        assigned_customers.month_date,
        assigned_customers.employee_id
    from assigned_customers
    union
    select
        in_charge.month_date,
        in_charge.employee_id
    from in_charge
    union
    select
        monthly_interactions.month_date,
        monthly_interactions.employee_id
    from monthly_interactions
    union
    select
        monthly_activities.month_date,
        monthly_activities.employee_id
    from monthly_activities
    union
    select
        monthly_orders.month_date,
        monthly_orders.employee_id
    from monthly_orders
    union
    select
        monthly_collections.month_date,
        monthly_collections.employee_id
    from monthly_collections
),

measured as (
    select
        employee_months.month_date,
        employee_months.employee_id,
        coalesce(new_customers.new_customers, 0) as new_customers,
        coalesce(new_customers_current.new_customers_current, 0) as new_customers_current,
        coalesce(assigned_customers.customers_assigned, 0) as customers_assigned,
        coalesce(in_charge.customers_in_charge, 0) as customers_in_charge,
        coalesce(in_charge.customers_in_charge_current, 0) as customers_in_charge_current,
        coalesce(monthly_interactions.interactions, 0) as interactions,
        coalesce(monthly_activities.activities, 0) as activities,
        coalesce(monthly_orders.orders, 0) as orders,
        coalesce(monthly_orders.returns, 0) as returns,
        coalesce(monthly_orders.pending_orders, 0) as pending_orders,
        coalesce(monthly_orders.sales_amount, 0) as sales_amount,
        coalesce(monthly_orders.revenue_amount, 0) as revenue_amount,
        coalesce(monthly_collections.collected_amount, 0) as collected_amount
    from employee_months
    left join new_customers
        on
            employee_months.month_date = new_customers.month_date
            and employee_months.employee_id = new_customers.employee_id
    left join new_customers_current
        on
            employee_months.month_date = new_customers_current.month_date
            and employee_months.employee_id = new_customers_current.employee_id
    left join assigned_customers
        on
            employee_months.month_date = assigned_customers.month_date
            and employee_months.employee_id = assigned_customers.employee_id
    left join in_charge
        on
            employee_months.month_date = in_charge.month_date
            and employee_months.employee_id = in_charge.employee_id
    left join monthly_interactions
        on
            employee_months.month_date = monthly_interactions.month_date
            and employee_months.employee_id = monthly_interactions.employee_id
    left join monthly_activities
        on
            employee_months.month_date = monthly_activities.month_date
            and employee_months.employee_id = monthly_activities.employee_id
    left join monthly_orders
        on
            employee_months.month_date = monthly_orders.month_date
            and employee_months.employee_id = monthly_orders.employee_id
    left join monthly_collections
        on
            employee_months.month_date = monthly_collections.month_date
            and employee_months.employee_id = monthly_collections.employee_id
),

final as (
    select
        cast(measured.month_date as date) as month_date,
        cast(measured.employee_id as string) as employee_id,
        cast(measured.new_customers as bigint) as new_customers,
        cast(measured.new_customers_current as bigint) as new_customers_current,
        cast(measured.customers_assigned as bigint) as customers_assigned,
        cast(measured.customers_in_charge as bigint) as customers_in_charge,
        cast(measured.customers_in_charge_current as bigint) as customers_in_charge_current,
        cast(measured.interactions as bigint) as interactions,
        cast(measured.activities as bigint) as activities,
        cast(measured.orders as bigint) as orders,
        cast(measured.returns as bigint) as returns,
        cast(measured.pending_orders as bigint) as pending_orders,
        cast(measured.sales_amount as decimal(18, 2)) as sales_amount,
        cast(measured.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(measured.collected_amount as decimal(18, 2)) as collected_amount
    from measured
    where
        measured.new_customers != 0
        or measured.new_customers_current != 0
        or measured.customers_assigned != 0
        or measured.customers_in_charge != 0
        or measured.customers_in_charge_current != 0
        or measured.interactions != 0
        or measured.activities != 0
        or measured.orders != 0
        or measured.returns != 0
        or measured.pending_orders != 0
        or measured.sales_amount != 0
        or measured.revenue_amount != 0
        or measured.collected_amount != 0
)

select * from final
