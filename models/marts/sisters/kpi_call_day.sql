{%- set touched -%}
select occurred_date from {{ changes('fct_interactions') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'occurred_date', 'touched': touched}}) }}

with calls as (
    select
        interactions.occurred_date,
        interactions.employee_id,
        interactions.direction,
        interactions.outcome,
        coalesce(interactions.duration_seconds, 0) as duration_seconds
    from {{ ref('fct_interactions') }} as interactions
    where
        interactions.interaction_type = 'call'
        {{ in_scope('interactions.occurred_date', prefix='and') }}
),

counted as (
    select
        calls.occurred_date,
        calls.employee_id,
        count(*) as calls,
        sum(case when calls.direction = 'outbound' then 1 else 0 end) as calls_outbound,
        sum(case when calls.direction = 'inbound' then 1 else 0 end) as calls_inbound,
        sum(case when calls.outcome = 'answered' then 1 else 0 end) as calls_connected,
        sum(case when calls.outcome = 'missed' then 1 else 0 end) as calls_missed,
        sum(case when calls.outcome = 'failed' then 1 else 0 end) as calls_failed,
        sum(case when calls.outcome = 'answered' then calls.duration_seconds else 0 end) as talk_seconds
    from calls
    group by
        calls.occurred_date,
        calls.employee_id
),

final as (
    select
        cast(counted.occurred_date as date) as occurred_date,
        cast(counted.employee_id as string) as employee_id,
        cast(counted.calls as bigint) as calls,
        cast(counted.calls_outbound as bigint) as calls_outbound,
        cast(counted.calls_inbound as bigint) as calls_inbound,
        cast(counted.calls_connected as bigint) as calls_connected,
        cast(counted.calls_missed as bigint) as calls_missed,
        cast(counted.calls_failed as bigint) as calls_failed,
        cast(counted.talk_seconds as bigint) as talk_seconds,
        {{ ratio('counted.calls_connected', 'counted.calls') }} as connected_rate
    from counted
)

select * from final
