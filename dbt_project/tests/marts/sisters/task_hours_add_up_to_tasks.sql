-- Planned hours of a person's months, and the tasks they speak of, are those of the confirmed tasks behind them.
with details as (
    select
        {{ month_of('completed_date') }} as month_date,
        assignee_id as employee_id,
        count(planned_hours) as tasks_with_hours,
        sum(coalesce(planned_hours, 0)) as planned_hours
    from {{ ref('fct_tasks') }}
    where
        status = 'completed'
        and completed_date is not null
    group by
        {{ month_of('completed_date') }},
        assignee_id
),

final as (
    select
        coalesce(details.month_date, figures.month_date) as month_date,
        coalesce(details.employee_id, figures.employee_id) as employee_id,
        details.planned_hours as expected_hours,
        figures.planned_hours as found_hours
    from details
    full outer join {{ ref('kpi_task_month') }} as figures
        on
            details.month_date = figures.month_date
            and details.employee_id = figures.employee_id
    where
        coalesce(details.tasks_with_hours, 0) != coalesce(figures.tasks_with_hours, 0)
        -- Quotients of whole seconds, added up in another order: less than a second apart.
        or abs(coalesce(details.planned_hours, 0) - coalesce(figures.planned_hours, 0)) > 0.0001
)

select * from final
