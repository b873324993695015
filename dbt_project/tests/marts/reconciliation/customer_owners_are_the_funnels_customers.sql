-- Stretches that lie over a month's end (over the end of as_of in its month) are the customers in charge of that month, first ones the new
-- customers, and who came by any assignment the customers assigned: for every employee and every month.
with month_ends as (
    select
        month_date,
        cast(max(calendar_date) as timestamp) + interval 1 day as ends_at
    from {{ ref('dim_date') }}
    where calendar_date <= {{ as_of() }}
    group by month_date
),

-- Months' ends are first days of months, and the end of as_of: a stretch lies over those from first_ends_at up to last_ends_at, and
-- many stretches over the same ones.
stretches as (
    select
        manager_id,
        {{ first_month_end('valid_from_at') }} as first_ends_at,
        {{ last_month_end('valid_to_at') }} as last_ends_at,
        count(*) as customers
    from {{ ref('fct_customer_owners') }}
    where valid_from_at < {{ as_of_end() }}
    group by
        manager_id,
        {{ first_month_end('valid_from_at') }},
        {{ last_month_end('valid_to_at') }}
),

-- Stretches of a customer never overlap, which is a test of its own: each is another customer.
stock as (
    select
        month_ends.month_date,
        stretches.manager_id as employee_id,
        sum(stretches.customers) as customers_in_charge,
        0 as new_customers,
        0 as customers_assigned
    from stretches
    inner join month_ends on month_ends.ends_at between stretches.first_ends_at and stretches.last_ends_at
    group by
        month_ends.month_date,
        stretches.manager_id
),

flow as (
    select
        month_date,
        manager_id as employee_id,
        0 as customers_in_charge,
        0 as new_customers,
        count(distinct customer_id) as customers_assigned
    from {{ ref('fct_customer_owners') }}
    where assignments = 1
    group by
        month_date,
        manager_id
),

created as (
    select
        customers.created_month_date as month_date,
        coalesce(owners.manager_id, 'unknown') as employee_id,
        0 as customers_in_charge,
        count(*) as new_customers,
        0 as customers_assigned
    from {{ ref('dim_customers') }} as customers
    left join {{ ref('fct_customer_owners') }} as owners
        on
            customers.customer_id = owners.customer_id
            and owners.is_first_owner
    where not customers.is_placeholder
    group by
        customers.created_month_date,
        coalesce(owners.manager_id, 'unknown')
),

counted as (
    select * from stock
    union all
    select * from flow
    union all
    select * from created
),

details as (
    select
        month_date,
        employee_id,
        sum(customers_in_charge) as customers_in_charge,
        sum(new_customers) as new_customers,
        sum(customers_assigned) as customers_assigned
    from counted
    group by
        month_date,
        employee_id
),

different_months as (
    select
        coalesce(details.month_date, funnel.month_date) as month_date,
        coalesce(details.employee_id, funnel.employee_id) as employee_id
    from details
    full outer join {{ ref('fct_funnel') }} as funnel
        on
            details.month_date = funnel.month_date
            and details.employee_id = funnel.employee_id
    where
        coalesce(details.customers_in_charge, 0) != coalesce(funnel.customers_in_charge, 0)
        or coalesce(details.new_customers, 0) != coalesce(funnel.new_customers, 0)
        or coalesce(details.customers_assigned, 0) != coalesce(funnel.customers_assigned, 0)
),

live_customers as (
    select *
    from {{ ref('dim_customers') }}
    where
        not is_deleted
        and not is_placeholder
),

open_stretches as (
    select *
    from {{ ref('fct_customer_owners') }}
    where is_open
),

-- Open stretches are the live customers, with who is in charge now.
different_now as (
    select
        cast(null as date) as month_date,
        coalesce(owners.manager_id, customers.manager_id) as employee_id
    from live_customers as customers
    full outer join open_stretches as owners
        on customers.customer_id = owners.customer_id
    where customers.manager_id is distinct from owners.manager_id
),

final as (
    select * from different_months
    union all
    select * from different_now
)

select * from final
