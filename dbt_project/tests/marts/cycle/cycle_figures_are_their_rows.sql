-- Every figure of the customer cycle that adds up is the number or the sum of its rows, found by its keys and its window.
with figures as (
    select * from {{ ref('kpi_customer_cycle') }}
),

-- The longest window there can be: what is older joins no window, and need not be tried with each.
recent_cycle as (
    select * from {{ ref('fct_customer_cycle') }}
    where {{ in_trailing_window('created_date', 84) }}
),

-- Numbers stand for the five columns that a figure has besides its window: millions of rows are grouped by them.
results as (
    select
        result_type,
        result_id,
        cast(row_number() over (order by result_type, result_id) as integer) as result_number
    from recent_cycle
    group by
        result_type,
        result_id
),

customers as (
    select distinct
        customer_id,
        manager_id
    from recent_cycle
),

members as (
    select
        customers.customer_id,
        members.breakdown,
        members.member_id,
        customers.manager_id,
        cast(
            dense_rank() over (order by members.breakdown, members.member_id, customers.manager_id) as integer
        ) as member_number
    from customers
    inner join {{ ref('fct_cycle_members') }} as members on customers.customer_id = members.customer_id
),

groups as (
    select distinct
        member_number,
        breakdown,
        member_id,
        manager_id
    from members
),

-- A window lies within every longer one, so that a row need be counted once: in the narrowest that has it.
narrowest as (
    select
        recent_cycle.created_date,
        min(windows.window_days) as narrowest_days
    from (select distinct created_date from recent_cycle) as recent_cycle
    inner join {{ ref('cycle_windows') }} as windows on {{ in_trailing_window('recent_cycle.created_date', 'windows.window_days') }}
    group by recent_cycle.created_date
),

counted as (
    select
        narrowest.narrowest_days,
        results.result_number,
        members.member_number,
        cast(count(*) as integer) as customers,
        cast(sum(case when recent_cycle.has_negative_duration then 1 else 0 end) as integer) as excluded_negative,
        cast(sum(case when recent_cycle.is_converted then 1 else 0 end) as integer) as converted,
        cast(sum(coalesce(recent_cycle.days_to_event, 0)) as integer) as total_days
    from recent_cycle
    inner join narrowest on recent_cycle.created_date = narrowest.created_date
    inner join results
        on
            recent_cycle.result_type = results.result_type
            and recent_cycle.result_id = results.result_id
    inner join members
        on
            recent_cycle.customer_id = members.customer_id
            and recent_cycle.manager_id = members.manager_id
    group by
        narrowest.narrowest_days,
        results.result_number,
        members.member_number
),

detail as (
    select
        windows.window_days,
        counted.result_number,
        counted.member_number,
        sum(counted.customers) as customers,
        sum(counted.excluded_negative) as excluded_negative,
        sum(counted.converted) as converted,
        sum(counted.total_days) as total_days
    from {{ ref('cycle_windows') }} as windows
    inner join counted on windows.window_days >= counted.narrowest_days
    group by
        windows.window_days,
        counted.result_number,
        counted.member_number
),

-- A figure of a group without rows has no number, and finds no rows.
numbered_figures as (
    select
        figures.*,
        results.result_number,
        groups.member_number
    from figures
    left join results
        on
            figures.result_type = results.result_type
            and figures.result_id = results.result_id
    left join groups
        on
            figures.breakdown = groups.breakdown
            and figures.member_id = groups.member_id
            and figures.manager_id = groups.manager_id
),

final as (
    select
        coalesce(figures.window_days, detail.window_days) as window_days,
        coalesce(figures.result_id, results.result_id) as result_id,
        coalesce(figures.breakdown, groups.breakdown) as breakdown,
        coalesce(figures.member_id, groups.member_id) as member_id,
        coalesce(figures.manager_id, groups.manager_id) as manager_id,
        figures.customers,
        detail.customers as detail_customers
    from numbered_figures as figures
    full outer join detail
        on
            figures.window_days = detail.window_days
            and figures.result_number = detail.result_number
            and figures.member_number = detail.member_number
    left join results on detail.result_number = results.result_number
    left join groups on detail.member_number = groups.member_number
    where
        figures.customers is distinct from detail.customers
        or figures.excluded_negative is distinct from detail.excluded_negative
        or figures.counted_customers is distinct from detail.customers - detail.excluded_negative
        or figures.converted is distinct from detail.converted
        or figures.total_days is distinct from detail.total_days
)

select * from final
