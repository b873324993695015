-- Every figure of the customer cycle that adds up is the number or the sum of its rows, found by its keys and its window.
with figures as (
    select * from {{ ref('kpi_customer_cycle') }}
),

-- The longest window there can be: what is older joins no window, and need not be tried with each.
recent_cycle as (
    select * from {{ ref('fct_customer_cycle') }}
    where {{ in_trailing_window('created_date', 84) }}
),

-- A window lies within every longer one, so that a row need be counted once: in the narrowest that has it.
narrowest as (
    select
        recent_cycle.*,
        (
            select min(windows.window_days)
            from {{ ref('cycle_windows') }} as windows
            where {{ in_trailing_window('recent_cycle.created_date', 'windows.window_days') }}
        ) as narrowest_days
    from recent_cycle
),

counted as (
    select
        customer_cycle.narrowest_days,
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id,
        count(*) as customers,
        sum(case when customer_cycle.has_negative_duration then 1 else 0 end) as excluded_negative,
        sum(case when customer_cycle.is_converted then 1 else 0 end) as converted,
        sum(coalesce(customer_cycle.days_to_event, 0)) as total_days
    from narrowest as customer_cycle
    inner join {{ ref('fct_cycle_members') }} as members on customer_cycle.customer_id = members.customer_id
    group by
        customer_cycle.narrowest_days,
        customer_cycle.result_type,
        customer_cycle.result_id,
        members.breakdown,
        members.member_id,
        customer_cycle.manager_id
),

detail as (
    select
        windows.window_days,
        counted.result_type,
        counted.result_id,
        counted.breakdown,
        counted.member_id,
        counted.manager_id,
        sum(counted.customers) as customers,
        sum(counted.excluded_negative) as excluded_negative,
        sum(counted.converted) as converted,
        sum(counted.total_days) as total_days
    from {{ ref('cycle_windows') }} as windows
    inner join counted on windows.window_days >= counted.narrowest_days
    group by
        windows.window_days,
        counted.result_type,
        counted.result_id,
        counted.breakdown,
        counted.member_id,
        counted.manager_id
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
