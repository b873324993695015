-- The calls of a person's days are the calls logged in the month, with their directions and outcomes.
with calls as (
    select
        {{ month_of('occurred_date') }} as month_date,
        employee_id,
        sum(calls) as calls,
        sum(calls_outbound + calls_inbound) as calls_directed,
        sum(calls_connected + calls_missed + calls_failed) as calls_with_outcome
    from {{ ref('kpi_call_day') }}
    group by
        {{ month_of('occurred_date') }},
        employee_id
),

details as (
    select
        month_date,
        employee_id,
        count(*) as calls,
        count(direction) as calls_directed,
        count(case when outcome in ('answered', 'missed', 'failed') then 1 end) as calls_with_outcome
    from {{ ref('fct_interactions') }}
    where interaction_type = 'call'
    group by
        month_date,
        employee_id
),

logged as (
    select
        month_date,
        employee_id,
        interactions_logged
    from {{ ref('kpi_interactions_by_type') }}
    where interaction_type = 'call'
),

final as (
    select
        coalesce(details.month_date, calls.month_date) as month_date,
        coalesce(details.employee_id, calls.employee_id) as employee_id,
        details.calls as expected_calls,
        calls.calls as found_calls
    from details
    full outer join calls
        on
            details.month_date = calls.month_date
            and details.employee_id = calls.employee_id
    left join logged
        on
            details.month_date = logged.month_date
            and details.employee_id = logged.employee_id
    where
        details.month_date is null
        or calls.month_date is null
        or calls.calls != details.calls
        or calls.calls_directed != details.calls_directed
        or calls.calls_with_outcome != details.calls_with_outcome
        or coalesce(logged.interactions_logged, 0) != calls.calls
)

select * from final
