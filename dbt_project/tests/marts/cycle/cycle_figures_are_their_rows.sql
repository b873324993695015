-- Every figure of the customer cycle that adds up is the number or the sum of its rows, found by its keys and its window.
with figures as (
    select * from {{ ref('kpi_customer_cycle') }}
),

-- The longest window there can be: what is older joins no window, and need not be tried with each.
recent_cycle as (
    select * from {{ ref('fct_customer_cycle') }}
    where {{ in_trailing_window('created_date', 84) }}
),

detail as (
    select
        windows.window_days,
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id,
        count(*) as customers,
        sum(case when customer_cycle.has_negative_duration then 1 else 0 end) as excluded_negative,
        sum(case when customer_cycle.is_converted then 1 else 0 end) as converted,
        sum(coalesce(customer_cycle.days_to_event, 0)) as total_days
    from {{ ref('cycle_windows') }} as windows
    inner join recent_cycle as customer_cycle
        on {{ in_trailing_window('customer_cycle.created_date', 'windows.window_days') }}
    inner join {{ ref('fct_cycle_members') }} as members on customer_cycle.customer_id = members.customer_id
    group by
        windows.window_days,
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id
),

final as (
    select
        coalesce(figures.window_days, detail.window_days) as window_days,
        coalesce(figures.result_id, detail.result_id) as result_id,
        coalesce(figures.breakdown, detail.breakdown) as breakdown,
        coalesce(figures.member_id, detail.member_id) as member_id,
        coalesce(figures.manager_id, detail.manager_id) as manager_id,
        figures.customers,
        detail.customers as detail_customers
    from figures
    full outer join detail
        on
            figures.window_days = detail.window_days
            and figures.result_type = detail.result_type
            and figures.result_id = detail.result_id
            and figures.breakdown = detail.breakdown
            and figures.member_id = detail.member_id
            and figures.manager_id = detail.manager_id
    where
        figures.customers is distinct from detail.customers
        or figures.excluded_negative is distinct from detail.excluded_negative
        or figures.counted_customers is distinct from detail.customers - detail.excluded_negative
        or figures.converted is distinct from detail.converted
        or figures.total_days is distinct from detail.total_days
)

select * from final
