-- The figures that no other mart shows are counted anew: revenue and orders of customers, and what belongs to departments, by another road.
with revenue_of_own as (
    select
        manager_id,
        sum(revenue_amount) as figure
    from {{ ref('dim_customer_cohort') }}
    where not is_deleted
    group by manager_id
),

different_revenue as (
    select
        'revenue_of_own_customers' as line,
        reconciliation.employee_id as owner_id
    from {{ ref('kpi_reconciliation') }} as reconciliation
    left join revenue_of_own on reconciliation.employee_id = revenue_of_own.manager_id
    where
        reconciliation.line = 'revenue_of_own_customers'
        and reconciliation.value != coalesce(revenue_of_own.figure, 0)
),

orders_of_own as (
    select
        employees.department_id,
        sum(cohort.orders) as figure
    from {{ ref('dim_customer_cohort') }} as cohort
    inner join {{ ref('dim_employees') }} as employees on cohort.manager_id = employees.employee_id
    where
        not cohort.is_deleted
        and employees.department_id not in ('none', 'unknown')
    group by employees.department_id
    having sum(cohort.orders) != 0
),

shown_orders as (
    select
        department_id,
        sum(value) as figure
    from {{ ref('kpi_reconciliation') }}
    where line = 'orders_of_department_customers'
    group by department_id
    having sum(value) != 0
),

different_orders as (
    select
        'orders_of_department_customers' as line,
        coalesce(orders_of_own.department_id, shown_orders.department_id) as owner_id
    from orders_of_own
    full outer join shown_orders on orders_of_own.department_id = shown_orders.department_id
    where orders_of_own.figure is distinct from shown_orders.figure
),

people as (
    select
        month_date,
        executor_id,
        count(distinct customer_id) as figure
    from {{ ref('fct_orders') }}
    where orders = 1
    group by
        month_date,
        executor_id
),

people_of_department as (
    select
        people.month_date,
        employees.department_id,
        sum(people.figure) as figure
    from people
    inner join {{ ref('dim_employees') }} as employees on people.executor_id = employees.employee_id
    where employees.department_id not in ('none', 'unknown')
    group by
        people.month_date,
        employees.department_id
),

shown_people as (
    select
        month_date,
        department_id,
        value as figure
    from {{ ref('kpi_reconciliation') }}
    where line = 'sum_over_people'
),

different_people as (
    select
        'sum_over_people' as line,
        coalesce(people_of_department.department_id, shown_people.department_id) as owner_id
    from people_of_department
    full outer join shown_people
        on
            people_of_department.month_date = shown_people.month_date
            and people_of_department.department_id = shown_people.department_id
    where coalesce(people_of_department.figure, 0) != coalesce(shown_people.figure, 0)
),

orders_then as (
    select
        month_date,
        sum(value) as of_people_then
    from {{ ref('kpi_reconciliation') }}
    where
        metric = 'orders_by_department_then'
        and line = 'of_people_then'
    group by month_date
),

orders_of_placed as (
    select
        orders.month_date,
        sum(orders.orders) as figure
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('fct_employee_departments') }} as places
        on
            orders.executor_id = places.employee_id
            and places.is_primary
            and cast(orders.order_date as timestamp) + interval 1 day > places.valid_from_at
            and cast(orders.order_date as timestamp) + interval 1 day <= coalesce(places.valid_to_at, cast('9999-12-31' as timestamp))
    where places.department_id not in ('none', 'unknown')
    group by orders.month_date
),

different_then as (
    select
        'of_people_then' as line,
        'all' as owner_id
    from orders_of_placed
    full outer join orders_then on orders_of_placed.month_date = orders_then.month_date
    where coalesce(orders_of_placed.figure, 0) != coalesce(orders_then.of_people_then, 0)
),

orders_of_all as (
    select
        orders.month_date,
        sum(orders.orders) as figure
    from {{ ref('fct_orders') }} as orders
    inner join {{ ref('fct_employee_departments') }} as places on orders.executor_id = places.employee_id
    where
        places.is_current
        and places.department_id not in ('none', 'unknown')
    group by orders.month_date
),

shown_of_all as (
    select
        month_date,
        sum(value) as figure
    from {{ ref('kpi_reconciliation') }}
    where
        metric = 'orders_of_all_members'
        and line = 'of_all_members'
    group by month_date
),

different_of_all as (
    select
        'of_all_members' as line,
        'all' as owner_id
    from orders_of_all
    full outer join shown_of_all on orders_of_all.month_date = shown_of_all.month_date
    where coalesce(orders_of_all.figure, 0) != coalesce(shown_of_all.figure, 0)
),

final as (
    select * from different_revenue
    union all
    select * from different_orders
    union all
    select * from different_people
    union all
    select * from different_then
    union all
    select * from different_of_all
)

select * from final
