with restatement as (
    select * from {{ ref('kpi_restatement') }}
    where difference_value != 0
),

all_frozen_rows as (
    select * from {{ ref('stg_frozen__rows') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

-- Rows are read for the months and figures that moved, and for no others.
moved_metrics as (
    select distinct
        month_date,
        metric,
        version
    from restatement
),

frozen_rows as (
    select
        all_frozen_rows.month_date,
        all_frozen_rows.metric,
        all_frozen_rows.employee_id,
        all_frozen_rows.department_id,
        all_frozen_rows.detail_mart,
        all_frozen_rows.detail_key,
        all_frozen_rows.value
    from all_frozen_rows
    inner join moved_metrics
        on
            all_frozen_rows.month_date = moved_metrics.month_date
            and all_frozen_rows.metric = moved_metrics.metric
            and all_frozen_rows.version = moved_metrics.version
),

rows_now as (
    {{ month_figure_rows('moved_metrics') | indent(4) }}
),

placed_rows_now as (
    select
        rows_now.month_date,
        rows_now.metric,
        rows_now.employee_id,
        employees.department_id,
        rows_now.detail_mart,
        rows_now.detail_key,
        rows_now.value
    from rows_now
    inner join employees on rows_now.employee_id = employees.employee_id
),

paired as (
    select
        coalesce(frozen_rows.month_date, placed_rows_now.month_date) as month_date,
        coalesce(frozen_rows.metric, placed_rows_now.metric) as metric,
        coalesce(frozen_rows.employee_id, placed_rows_now.employee_id) as employee_id,
        coalesce(frozen_rows.detail_mart, placed_rows_now.detail_mart) as detail_mart,
        coalesce(frozen_rows.detail_key, placed_rows_now.detail_key) as detail_key,
        frozen_rows.department_id as frozen_department_id,
        placed_rows_now.department_id as now_department_id,
        frozen_rows.value as frozen_value,
        placed_rows_now.value as now_value
    from frozen_rows
    full outer join placed_rows_now
        on
            frozen_rows.month_date = placed_rows_now.month_date
            and frozen_rows.metric = placed_rows_now.metric
            and frozen_rows.employee_id = placed_rows_now.employee_id
            and frozen_rows.detail_mart = placed_rows_now.detail_mart
            and frozen_rows.detail_key = placed_rows_now.detail_key
),

changed as (
    select
        paired.*,
        case
            when paired.frozen_value is null then 'added'
            when paired.now_value is null then 'removed'
            else 'changed'
        end as change_kind
    from paired
    where paired.frozen_value is distinct from paired.now_value
),

-- Rows of somebody who has another department now left one department's figure and joined another's.
changed_departments as (
    select
        paired.*,
        coalesce(paired.frozen_department_id != paired.now_department_id, false) as has_other_department
    from paired
),

of_subjects as (
    select
        month_date,
        'employee' as subject_level,
        employee_id as subject_id,
        metric,
        employee_id,
        detail_mart,
        detail_key,
        frozen_value,
        now_value,
        change_kind
    from changed
    union all
    select
        month_date,
        'company' as subject_level,
        'all' as subject_id,
        metric,
        employee_id,
        detail_mart,
        detail_key,
        frozen_value,
        now_value,
        change_kind
    from changed
    union all
    select
        month_date,
        'department' as subject_level,
        coalesce(frozen_department_id, now_department_id) as subject_id,
        metric,
        employee_id,
        detail_mart,
        detail_key,
        frozen_value,
        now_value,
        change_kind
    from changed
    where coalesce(frozen_department_id = now_department_id, true)
    union all
    select
        month_date,
        'department' as subject_level,
        frozen_department_id as subject_id,
        metric,
        employee_id,
        detail_mart,
        detail_key,
        frozen_value,
        cast(null as decimal(24, 6)) as now_value,
        'left_department' as change_kind
    from changed_departments
    where has_other_department
    union all
    select
        month_date,
        'department' as subject_level,
        now_department_id as subject_id,
        metric,
        employee_id,
        detail_mart,
        detail_key,
        cast(null as decimal(24, 6)) as frozen_value,
        now_value,
        'joined_department' as change_kind
    from changed_departments
    where has_other_department
),

final as (
    select
        cast(of_subjects.month_date as date) as month_date,
        cast(of_subjects.subject_level as string) as subject_level,
        cast(of_subjects.subject_id as string) as subject_id,
        cast(of_subjects.metric as string) as metric,
        cast(restatement.version as bigint) as version,
        cast(of_subjects.employee_id as string) as employee_id,
        cast(of_subjects.detail_mart as string) as detail_mart,
        cast(of_subjects.detail_key as string) as detail_key,
        cast(of_subjects.change_kind as string) as change_kind,
        cast(of_subjects.frozen_value as decimal(24, 6)) as frozen_value,
        cast(of_subjects.now_value as decimal(24, 6)) as now_value,
        cast(
            coalesce(of_subjects.now_value, 0) - coalesce(of_subjects.frozen_value, 0) as decimal(24, 6)
        ) as difference_value
    from of_subjects
    inner join restatement
        on
            of_subjects.month_date = restatement.month_date
            and of_subjects.subject_level = restatement.subject_level
            and of_subjects.subject_id = restatement.subject_id
            and of_subjects.metric = restatement.metric
)

select * from final
