-- Every target of a whole month stands beside its figure, and the figure is what the target's own mart measured.
with targets as (
    select
        targets.period_start as month_date,
        case when targets.department_id = 'none' then 'employee' else 'department' end as subject_level,
        case when targets.department_id = 'none' then targets.employee_id else targets.department_id end as subject_id,
        targets.metric,
        targets.target_value,
        targets.actual_value,
        targets.attainment_rate
    from {{ ref('kpi_target_attainment') }} as targets
    inner join {{ ref('snapshot_metrics') }} as listed on targets.metric = listed.metric
    where
        targets.employee_id != 'unknown'
        and targets.department_id != 'unknown'
        and targets.period_start <= {{ as_of() }}
        and extract(day from targets.period_start) = 1
        and extract(day from targets.period_end + 1) = 1
        and targets.period_end - targets.period_start between 27 and 30
),

figures as (
    select * from {{ ref('kpi_month_figures') }}
    where target_value is not null
),

final as (
    select
        coalesce(targets.month_date, figures.month_date) as month_date,
        coalesce(targets.subject_id, figures.subject_id) as subject_id,
        coalesce(targets.metric, figures.metric) as metric
    from targets
    full outer join figures
        on
            targets.month_date = figures.month_date
            and targets.subject_level = figures.subject_level
            and targets.subject_id = figures.subject_id
            and targets.metric = figures.metric
    where
        targets.target_value is distinct from figures.target_value
        or targets.attainment_rate is distinct from figures.attainment_rate
        or (targets.actual_value is distinct from figures.value and targets.subject_id != 'none')
)

select * from final
