-- Tasks created are the funnel's activities; tasks confirmed and their ratings are those of fct_tasks with an instant of confirmation.
with created as (
    select
        coalesce(funnel.month_date, figures.month_date) as month_date,
        coalesce(funnel.employee_id, figures.employee_id) as employee_id
    from {{ ref('fct_funnel') }} as funnel
    full outer join {{ ref('kpi_task_month') }} as figures
        on
            funnel.month_date = figures.month_date
            and funnel.employee_id = figures.employee_id
    where coalesce(funnel.activities, 0) != coalesce(figures.tasks_created, 0)
),

details as (
    select
        assignee_id as employee_id,
        count(*) as tasks_confirmed,
        count(rating) as rated_tasks,
        sum(coalesce(rating, 2)) as total_rating_with_default
    from {{ ref('fct_tasks') }}
    where
        status = 'completed'
        and completed_date is not null
    group by assignee_id
),

totals as (
    select
        employee_id,
        sum(tasks_confirmed) as tasks_confirmed,
        sum(rated_tasks) as rated_tasks,
        sum(total_rating_with_default) as total_rating_with_default
    from {{ ref('kpi_task_month') }}
    group by employee_id
),

confirmed as (
    select
        cast(null as date) as month_date,
        coalesce(details.employee_id, totals.employee_id) as employee_id
    from details
    full outer join totals on details.employee_id = totals.employee_id
    where
        coalesce(details.tasks_confirmed, 0) != coalesce(totals.tasks_confirmed, 0)
        or coalesce(details.rated_tasks, 0) != coalesce(totals.rated_tasks, 0)
        or coalesce(details.total_rating_with_default, 0) != coalesce(totals.total_rating_with_default, 0)
),

final as (
    select * from created
    union all
    select * from confirmed
)

select * from final
