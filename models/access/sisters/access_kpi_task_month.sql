with final as (
    select
        kpi_task_month.month_date,
        kpi_task_month.employee_id,
        kpi_task_month.tasks_created,
        kpi_task_month.tasks_cancelled,
        kpi_task_month.tasks_confirmed,
        kpi_task_month.rated_tasks,
        kpi_task_month.total_rating,
        kpi_task_month.total_rating_with_default,
        kpi_task_month.mean_rating,
        kpi_task_month.mean_rating_with_default,
        kpi_task_month.tasks_with_hours,
        kpi_task_month.planned_hours
    from {{ in_this_database(ref('kpi_task_month')) }} as kpi_task_month
    where {{ in_viewer_scope('kpi_task_month.employee_id', ['employee', 'task']) }}
)

select * from final
