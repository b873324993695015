-- The cycle to the first order is the one dim_customer_cohort tells, but for first orders dated after as_of.
with cycle as (
    select * from {{ ref('fct_customer_cycle') }}
    where result_type = 'order'
),

cohort as (
    select * from {{ ref('dim_customer_cohort') }}
    where
        not is_deleted
        and cohort_month_date <= {{ as_of() }}
),

final as (
    select
        coalesce(cycle.customer_id, cohort.customer_id) as customer_id,
        cycle.event_date,
        cohort.first_order_date,
        cycle.days_to_event,
        cohort.days_to_first_order
    from cohort
    full outer join cycle on cohort.customer_id = cycle.customer_id
    where
        cohort.customer_id is null
        or cycle.customer_id is null
        or cycle.manager_id != cohort.manager_id
        or (
            (cohort.first_order_date is null or cohort.first_order_date <= {{ as_of() }})
            and (
                cycle.event_date is distinct from cohort.first_order_date
                or cycle.days_to_event is distinct from cohort.days_to_first_order
                or cycle.has_negative_duration != cohort.has_negative_cycle
            )
        )
        or (cohort.first_order_date > {{ as_of() }} and cycle.event_date is not null)
)

select * from final
