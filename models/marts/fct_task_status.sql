{%- set touched -%}
select month_date from {{ changes('fct_tasks') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'month_date', 'touched': touched}}) }}

with tasks as (
    select * from {{ ref('fct_tasks') }}
    {{ in_scope('month_date') }}
),

final as (
    select
        tasks.month_date,
        tasks.assignee_id as employee_id,
        tasks.project_id,
        tasks.task_type_id,
        cast(count(*) as bigint) as tasks_created,
        cast(sum(case when tasks.task_state = 'new' then 1 else 0 end) as bigint) as tasks_new,
        cast(sum(case when tasks.task_state = 'in_progress' then 1 else 0 end) as bigint) as tasks_in_progress,
        cast(sum(case when tasks.task_state = 'awaiting_confirmation' then 1 else 0 end) as bigint)
            as tasks_awaiting_confirmation,
        cast(sum(case when tasks.task_state = 'late' then 1 else 0 end) as bigint) as tasks_late,
        cast(sum(case when tasks.task_state = 'completed' then 1 else 0 end) as bigint) as tasks_completed,
        cast(sum(case when tasks.is_completed_late then 1 else 0 end) as bigint) as tasks_completed_late,
        cast(sum(case when tasks.task_state = 'cancelled' then 1 else 0 end) as bigint) as tasks_cancelled
    from tasks
    group by
        tasks.month_date,
        tasks.assignee_id,
        tasks.project_id,
        tasks.task_type_id
)

select * from final
