{%- set touched -%}
select month_date from {{ changes('fct_funnel') }}
union all
select month_date from {{ changes('fct_orders') }}
union all
select month_date from {{ changes('fct_customer_events') }}
union all
select month_date from marts.dim_date where exists (select 1 from {{ changes('dim_employees') }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with funnel as (
    select * from {{ ref('fct_funnel') }}
    {{ in_scope('month_date') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('month_date') }}
),

customer_events as (
    select * from {{ ref('fct_customer_events') }}
    {{ in_scope('month_date') }}
),

totals as (
    select
        funnel.month_date,
        employees.department_id,
        sum(funnel.new_customers) as new_customers,
        sum(funnel.customers_in_charge) as customers_in_charge,
        sum(funnel.customers_in_charge_current) as customers_in_charge_current,
        sum(funnel.interactions) as interactions,
        sum(funnel.activities) as activities,
        sum(funnel.orders) as orders,
        sum(funnel.sales_amount) as sales_amount,
        sum(funnel.revenue_amount) as revenue_amount,
        sum(funnel.collected_amount) as collected_amount
    from funnel
    inner join employees on funnel.employee_id = employees.employee_id
    group by
        funnel.month_date,
        employees.department_id
),

buyers as (
    select
        orders.month_date,
        employees.department_id,
        count(distinct orders.customer_id) as ordering_customers
    from orders
    inner join employees on orders.executor_id = employees.employee_id
    where orders.orders = 1
    group by
        orders.month_date,
        employees.department_id
),

customer_orders as (
    select
        customer_events.month_date,
        employees.department_id,
        sum(customer_events.orders) as customer_orders_current
    from customer_events
    inner join employees on customer_events.manager_current_id = employees.employee_id
    where
        customer_events.event_kind = 'order'
        and not customer_events.is_customer_deleted
    group by
        customer_events.month_date,
        employees.department_id
),

-- Customers of a department may order when its people do nothing.
department_months as (
    select
        totals.month_date,
        totals.department_id
    from totals
    union
    select
        customer_orders.month_date,
        customer_orders.department_id
    from customer_orders
),

staff as (
    select
        employees.department_id,
        count(*) as members
    from employees
    where
        employees.is_active
        and not employees.is_deleted
        and not employees.is_placeholder
    group by employees.department_id
),

measured as (
    select
        department_months.month_date,
        department_months.department_id,
        coalesce(staff.members, 0) as members,
        coalesce(totals.new_customers, 0) as new_customers,
        coalesce(totals.customers_in_charge, 0) as customers_in_charge,
        coalesce(totals.customers_in_charge_current, 0) as customers_in_charge_current,
        coalesce(totals.interactions, 0) as interactions,
        coalesce(totals.activities, 0) as activities,
        coalesce(totals.orders, 0) as orders,
        coalesce(totals.sales_amount, 0) as sales_amount,
        coalesce(totals.revenue_amount, 0) as revenue_amount,
        coalesce(totals.collected_amount, 0) as collected_amount,
        coalesce(buyers.ordering_customers, 0) as ordering_customers,
        coalesce(customer_orders.customer_orders_current, 0) as customer_orders_current
    from department_months
    left join totals
        on
            department_months.month_date = totals.month_date
            and department_months.department_id = totals.department_id
    left join buyers
        on
            department_months.month_date = buyers.month_date
            and department_months.department_id = buyers.department_id
    left join customer_orders
        on
            department_months.month_date = customer_orders.month_date
            and department_months.department_id = customer_orders.department_id
    left join staff on department_months.department_id = staff.department_id
),

final as (
    select
        cast(measured.month_date as date) as month_date,
        cast(measured.department_id as string) as department_id,
        cast(measured.members as bigint) as members,
        cast(measured.new_customers as bigint) as new_customers,
        cast(measured.customers_in_charge as bigint) as customers_in_charge,
        cast(measured.customers_in_charge_current as bigint) as customers_in_charge_current,
        cast(measured.interactions as bigint) as interactions,
        cast(measured.activities as bigint) as activities,
        cast(measured.orders as bigint) as orders,
        cast(measured.sales_amount as decimal(18, 2)) as sales_amount,
        cast(measured.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(measured.collected_amount as decimal(18, 2)) as collected_amount,
        cast(measured.ordering_customers as bigint) as ordering_customers,
        cast(measured.customer_orders_current as bigint) as customer_orders_current
    from measured
    where
        measured.new_customers != 0
        or
        measured.customers_in_charge != 0
        or
        measured.customers_in_charge_current != 0
        or
        measured.interactions != 0
        or
        measured.activities != 0
        or
        measured.orders != 0
        or
        measured.sales_amount != 0
        or
        measured.revenue_amount != 0
        or
        measured.collected_amount != 0
        or
        measured.customer_orders_current != 0
)

select * from final
