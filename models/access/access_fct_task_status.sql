with final as (
    select
        fct_task_status.month_date,
        fct_task_status.employee_id,
        fct_task_status.project_id,
        fct_task_status.task_type_id,
        fct_task_status.tasks_created,
        fct_task_status.tasks_new,
        fct_task_status.tasks_in_progress,
        fct_task_status.tasks_awaiting_confirmation,
        fct_task_status.tasks_late,
        fct_task_status.tasks_completed,
        fct_task_status.tasks_completed_late,
        fct_task_status.tasks_cancelled
    from {{ in_this_database(ref('fct_task_status')) }} as fct_task_status
    where {{ in_viewer_scope('fct_task_status.employee_id', ['employee', 'task']) }}
)

select * from final
