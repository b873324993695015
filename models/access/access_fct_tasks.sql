with final as (
    select
        fct_tasks.task_id,
        fct_tasks.task_name,
        fct_tasks.creator_id,
        fct_tasks.assignee_id,
        fct_tasks.project_id,
        fct_tasks.task_type_id,
        fct_tasks.customers,
        fct_tasks.status,
        fct_tasks.task_state,
        fct_tasks.created_at,
        fct_tasks.created_date,
        fct_tasks.month_date,
        fct_tasks.planned_start_at,
        fct_tasks.due_at,
        fct_tasks.due_date,
        fct_tasks.done_at,
        fct_tasks.completed_at,
        fct_tasks.completed_date,
        fct_tasks.planned_seconds,
        fct_tasks.planned_hours,
        fct_tasks.is_late,
        fct_tasks.is_awaiting_past_due,
        fct_tasks.is_completed_late,
        fct_tasks.rating
    from {{ in_this_database(ref('fct_tasks')) }} as fct_tasks
    where {{ in_viewer_scope('fct_tasks.assignee_id', ['employee', 'task']) }}
)

select * from final
