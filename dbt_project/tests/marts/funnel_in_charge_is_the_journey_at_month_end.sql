-- Customers in charge, counted month by month, equal the journey on the last day of the month (as_of in its month): two roads, one number.
with month_ends as (
    select
        month_date,
        max(calendar_date) as last_date
    from {{ ref('dim_date') }}
    where calendar_date <= {{ as_of() }}
    group by month_date
),

journey as (
    select
        month_ends.month_date,
        journey.manager_id as employee_id,
        sum(journey.customers) as customers
    from {{ ref('fct_journey') }} as journey
    inner join month_ends on journey.as_of_date = month_ends.last_date
    group by month_ends.month_date, journey.manager_id
),

funnel as (
    select
        month_date,
        employee_id,
        customers_in_charge
    from {{ ref('fct_funnel') }}
),

final as (
    select
        coalesce(funnel.month_date, journey.month_date) as month_date,
        coalesce(funnel.employee_id, journey.employee_id) as employee_id,
        funnel.customers_in_charge,
        journey.customers as journey_customers
    from funnel
    full outer join journey
        on
            funnel.month_date = journey.month_date
            and funnel.employee_id = journey.employee_id
    where coalesce(funnel.customers_in_charge, 0) != coalesce(journey.customers, 0)
)

select * from final
