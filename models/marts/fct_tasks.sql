{%- set touched -%}
select task_id from {{ changes('core_tasks') }}
union all
select task_id from {{ changes('core_bridge_tasks_customers') }}
union all
select task_id from core.core_tasks where {{ became_past('due_at') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'task_id', 'touched': touched}}) }}

with tasks as (
    select * from {{ ref('core_tasks') }}
    {{ in_scope('task_id') }}
),

task_customers as (
    select * from {{ ref('core_bridge_tasks_customers') }}
    {{ in_scope('task_id') }}
),

customers_per_task as (
    select
        task_customers.task_id,
        count(*) as customers
    from task_customers
    group by task_customers.task_id
),

judged as (
    select
        tasks.task_id,
        tasks.task_name,
        tasks.creator_id,
        tasks.assignee_id,
        tasks.project_id,
        tasks.task_type_id,
        tasks.status,
        tasks.created_at,
        tasks.planned_start_at,
        tasks.due_at,
        tasks.done_at,
        tasks.completed_at,
        tasks.rating,
        case
            when tasks.due_at >= tasks.planned_start_at then {{ dbt.datediff('tasks.planned_start_at', 'tasks.due_at', 'second') }}
        end as planned_seconds,
        coalesce(tasks.due_at < {{ as_of_end() }}, false) as is_past_due,
        coalesce(tasks.completed_at > tasks.due_at, false) as is_completed_after_due
    from tasks
    where not tasks.is_deleted
),

-- The order of the branches is the rule: final states first, then late before every open state.
stated as (
    select
        judged.*,
        case
            when judged.status in ('completed', 'cancelled') then judged.status
            when judged.is_past_due then 'late'
            else judged.status
        end as task_state
    from judged
),

final as (
    select
        cast(stated.task_id as string) as task_id,
        cast(stated.task_name as string) as task_name,
        cast(stated.creator_id as string) as creator_id,
        cast(stated.assignee_id as string) as assignee_id,
        cast(stated.project_id as string) as project_id,
        cast(stated.task_type_id as string) as task_type_id,
        cast(coalesce(customers_per_task.customers, 0) as bigint) as customers,
        cast(stated.status as string) as status,
        cast(stated.task_state as string) as task_state,
        cast(stated.created_at as timestamp) as created_at,
        cast(stated.created_at as date) as created_date,
        {{ month_of('stated.created_at') }} as month_date,
        cast(stated.planned_start_at as timestamp) as planned_start_at,
        cast(stated.due_at as timestamp) as due_at,
        cast(stated.due_at as date) as due_date,
        cast(stated.done_at as timestamp) as done_at,
        cast(stated.completed_at as timestamp) as completed_at,
        cast(stated.completed_at as date) as completed_date,
        cast(stated.planned_seconds as bigint) as planned_seconds,
        {{ ratio('stated.planned_seconds', 3600) }} as planned_hours,
        cast(stated.task_state = 'late' as boolean) as is_late,
        cast(stated.task_state = 'late' and stated.status = 'awaiting_confirmation' as boolean) as is_awaiting_past_due,
        cast(stated.task_state = 'completed' and stated.is_completed_after_due as boolean) as is_completed_late,
        cast(stated.rating as integer) as rating
    from stated
    left join customers_per_task on stated.task_id = customers_per_task.task_id
)

select * from final
