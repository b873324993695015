{%- set touched -%}
select month_date from {{ changes('fct_tasks') }}
union all
select {{ month_of('completed_at') }} from {{ changes('fct_tasks') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with tasks as (
    select * from {{ ref('fct_tasks') }}
),

events as (
    select
        tasks.month_date,
        tasks.assignee_id as employee_id,
        1 as tasks_created,
        case when tasks.task_state = 'cancelled' then 1 else 0 end as tasks_cancelled,
        0 as tasks_confirmed,
        0 as rated_tasks,
        0 as total_rating,
        0 as tasks_with_hours,
        0 as planned_seconds
    from tasks
    {{ in_scope('tasks.month_date') }}
    union all
    select
        {{ month_of('tasks.completed_at') }} as month_date,
        tasks.assignee_id as employee_id,
        0 as tasks_created,
        0 as tasks_cancelled,
        1 as tasks_confirmed,
        case when tasks.rating is null then 0 else 1 end as rated_tasks,
        coalesce(tasks.rating, 0) as total_rating,
        case when tasks.planned_seconds is null then 0 else 1 end as tasks_with_hours,
        coalesce(tasks.planned_seconds, 0) as planned_seconds
    from tasks
    where
        tasks.task_state = 'completed'
        and tasks.completed_at is not null
        {{ in_scope(month_of('tasks.completed_at'), prefix='and') }}
),

totals as (
    select
        events.month_date,
        events.employee_id,
        sum(events.tasks_created) as tasks_created,
        sum(events.tasks_cancelled) as tasks_cancelled,
        sum(events.tasks_confirmed) as tasks_confirmed,
        sum(events.rated_tasks) as rated_tasks,
        sum(events.total_rating) as total_rating,
        sum(events.total_rating) + 2 * (sum(events.tasks_confirmed) - sum(events.rated_tasks)) as total_rating_with_default,
        sum(events.tasks_with_hours) as tasks_with_hours,
        sum(events.planned_seconds) as planned_seconds
    from events
    group by
        events.month_date,
        events.employee_id
),

final as (
    select
        cast(totals.month_date as date) as month_date,
        cast(totals.employee_id as string) as employee_id,
        cast(totals.tasks_created as bigint) as tasks_created,
        cast(totals.tasks_cancelled as bigint) as tasks_cancelled,
        cast(totals.tasks_confirmed as bigint) as tasks_confirmed,
        cast(totals.rated_tasks as bigint) as rated_tasks,
        cast(totals.total_rating as bigint) as total_rating,
        cast(totals.total_rating_with_default as bigint) as total_rating_with_default,
        {{ ratio('totals.total_rating', 'totals.rated_tasks') }} as mean_rating,
        {{ ratio('totals.total_rating_with_default', 'totals.tasks_confirmed') }} as mean_rating_with_default,
        cast(totals.tasks_with_hours as bigint) as tasks_with_hours,
        {{ ratio('totals.planned_seconds', 3600) }} as planned_hours
    from totals
)

select * from final
