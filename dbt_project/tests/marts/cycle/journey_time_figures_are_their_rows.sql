-- Every figure of the journey's times that adds up is the number or the sum of its rows: of customers, of stays, of moves.
{% set measures = [
    ('customers', 'fct_customer_stages', 'relationship_id', 'count(*)', 'true'),
    ('total_open_days', 'fct_customer_stages', 'relationship_id', 'sum(days_in_stage)', 'true'),
    ('closed_stays', 'fct_relationship_stays', 'relationship_id', 'count(*)', 'has_moved_on'),
    ('total_closed_days', 'fct_relationship_stays', 'relationship_id', 'sum(days_in_stage)', 'has_moved_on'),
    ('moves_in', 'fct_relationship_moves', 'to_relationship_id', 'count(*)', in_trailing_window('moved_date', 84)),
    ('moves_out', 'fct_relationship_moves', 'from_relationship_id', 'count(*)', in_trailing_window('moved_date', 84)),
    ('moves_forward', 'fct_relationship_moves', 'from_relationship_id', "count(case when move_direction = 'forward' then 1 end)",
     in_trailing_window('moved_date', 84)),
    ('moves_backward', 'fct_relationship_moves', 'from_relationship_id', "count(case when move_direction = 'backward' then 1 end)",
     in_trailing_window('moved_date', 84)),
    ('moves_skipping', 'fct_relationship_moves', 'from_relationship_id', 'count(case when has_skipped then 1 end)',
     in_trailing_window('moved_date', 84)),
] %}

with detail as (
    {% for measure, mart, relationship, amount, condition in measures %}
    select
        manager_id,
        {{ relationship }} as relationship_id,
        '{{ measure }}' as measure,
        {{ amount }} as detail_amount
    from {{ ref(mart) }}
    where {{ condition }}
    group by
        manager_id,
        {{ relationship }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

figures as (
    {% for measure, mart, relationship, amount, condition in measures %}
    select
        manager_id,
        relationship_id,
        '{{ measure }}' as measure,
        {{ measure }} as figure
    from {{ ref('kpi_journey_time') }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

final as (
    select
        coalesce(figures.manager_id, detail.manager_id) as manager_id,
        coalesce(figures.relationship_id, detail.relationship_id) as relationship_id,
        coalesce(figures.measure, detail.measure) as measure,
        figures.figure,
        detail.detail_amount
    from figures
    full outer join detail
        on
            figures.manager_id = detail.manager_id
            and figures.relationship_id = detail.relationship_id
            and figures.measure = detail.measure
    where coalesce(figures.figure, 0) != coalesce(detail.detail_amount, 0)
)

select * from final
