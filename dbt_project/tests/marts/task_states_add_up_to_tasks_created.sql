-- A task is in exactly one state, and completed late is part of completed.
with final as (
    select *
    from {{ ref('fct_task_status') }}
    where
        tasks_created
        != tasks_new + tasks_in_progress + tasks_awaiting_confirmation + tasks_late + tasks_completed + tasks_cancelled
        or tasks_completed_late > tasks_completed
)

select * from final
