-- Each type has its rows of fct_interactions, and all types together the funnel's interactions.
{% set read = [
    ref('fct_interactions'),
    ref('kpi_interactions_by_type'),
    ref('fct_funnel'),
] %}
{% set compared = {'fct_funnel': ['month_date', 'employee_id', 'interactions']} %}

with details as (
    select
        month_date,
        employee_id,
        interaction_type,
        count(case when interactions = 1 then interaction_key end) as interactions,
        count(*) as interactions_logged,
        count(distinct case when interactions = 1 then customer_id end) as interacted_customers
    from {{ rows_of_changed(ref('fct_interactions'), 'month_date', read, compared=compared) }}
    group by
        month_date,
        employee_id,
        interaction_type
),

different_figures as (
    select
        coalesce(figures.month_date, details.month_date) as month_date,
        coalesce(figures.employee_id, details.employee_id) as employee_id,
        coalesce(figures.interaction_type, details.interaction_type) as interaction_type
    from {{ rows_of_changed(ref('kpi_interactions_by_type'), 'month_date', read, compared=compared) }} as figures
    full outer join details
        on
            figures.month_date = details.month_date
            and figures.employee_id = details.employee_id
            and figures.interaction_type = details.interaction_type
    where
        figures.employee_id is null
        or details.employee_id is null
        or figures.interactions != details.interactions
        or figures.interactions_logged != details.interactions_logged
        or figures.interacted_customers != details.interacted_customers
),

totals as (
    select
        month_date,
        employee_id,
        sum(interactions) as interactions
    from {{ rows_of_changed(ref('kpi_interactions_by_type'), 'month_date', read, compared=compared) }}
    group by
        month_date,
        employee_id
),

different_totals as (
    select
        coalesce(funnel.month_date, totals.month_date) as month_date,
        coalesce(funnel.employee_id, totals.employee_id) as employee_id,
        'all' as interaction_type
    from {{ rows_of_changed(ref('fct_funnel'), 'month_date', read, compared=compared) }} as funnel
    full outer join totals
        on
            funnel.month_date = totals.month_date
            and funnel.employee_id = totals.employee_id
    where coalesce(funnel.interactions, 0) != coalesce(totals.interactions, 0)
),

final as (
    select * from different_figures
    union all
    select * from different_totals
)

select * from final
