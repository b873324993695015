-- Where customers stand, told by their stays, is the journey's stock on as_of, per owner and relationship: all of it, and of every window.
{% set windows = [4, 7, 28, 84] %}

with stages as (
    select
        manager_id,
        relationship_id,
        {% for window_days in windows %}
        sum(case when {{ in_trailing_window('created_date', window_days) }} then 1 else 0 end) as customers_{{ window_days }},
        {% endfor %}
        count(*) as customers
    from {{ ref('fct_customer_stages') }}
    group by
        manager_id,
        relationship_id
),

journey as (
    select
        manager_id,
        relationship_id,
        {% for window_days in windows %}
        sum(case when {{ in_trailing_window('created_date', window_days) }} then customers else 0 end) as customers_{{ window_days }},
        {% endfor %}
        sum(customers) as customers
    from {{ ref('fct_journey') }}
    where as_of_date = {{ as_of() }}
    group by
        manager_id,
        relationship_id
),

final as (
    select
        coalesce(stages.manager_id, journey.manager_id) as manager_id,
        coalesce(stages.relationship_id, journey.relationship_id) as relationship_id,
        stages.customers as stages_customers,
        journey.customers as journey_customers
    from stages
    full outer join journey
        on
            stages.manager_id = journey.manager_id
            and stages.relationship_id = journey.relationship_id
    where
        coalesce(stages.customers, 0) != coalesce(journey.customers, 0)
        {% for window_days in windows %}
        or coalesce(stages.customers_{{ window_days }}, 0) != coalesce(journey.customers_{{ window_days }}, 0)
        {% endfor %}
)

select * from final
