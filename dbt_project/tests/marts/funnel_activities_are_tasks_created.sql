-- The funnel's activities are the task report's tasks created, per month and employee.
with task_status as (
    select
        month_date,
        employee_id,
        sum(tasks_created) as tasks_created
    from {{ ref('fct_task_status') }}
    group by month_date, employee_id
),

funnel as (
    select
        month_date,
        employee_id,
        activities
    from {{ ref('fct_funnel') }}
),

final as (
    select
        coalesce(funnel.month_date, task_status.month_date) as month_date,
        coalesce(funnel.employee_id, task_status.employee_id) as employee_id,
        funnel.activities,
        task_status.tasks_created
    from funnel
    full outer join task_status
        on
            funnel.month_date = task_status.month_date
            and funnel.employee_id = task_status.employee_id
    where coalesce(funnel.activities, 0) != coalesce(task_status.tasks_created, 0)
)

select * from final
