-- The rows that moved a figure add up to its difference; a rate has the rows of its parts.
with restated as (
    select
        month_date,
        subject_level,
        subject_id,
        metric,
        difference_value
    from {{ ref('kpi_restatement') }}
    where
        difference_value != 0
        and frozen_denominator is null
        and now_denominator is null
),

moved as (
    select
        month_date,
        subject_level,
        subject_id,
        metric,
        sum(difference_value) as difference_value
    from {{ ref('fct_restatement_rows') }}
    group by
        month_date,
        subject_level,
        subject_id,
        metric
),

final as (
    select
        coalesce(restated.month_date, moved.month_date) as month_date,
        coalesce(restated.subject_level, moved.subject_level) as subject_level,
        coalesce(restated.subject_id, moved.subject_id) as subject_id,
        coalesce(restated.metric, moved.metric) as metric,
        restated.difference_value as figure_difference,
        moved.difference_value as rows_difference
    from restated
    full outer join moved
        on
            restated.month_date = moved.month_date
            and restated.subject_level = moved.subject_level
            and restated.subject_id = moved.subject_id
            and restated.metric = moved.metric
    where restated.difference_value is distinct from moved.difference_value
)

select * from final
