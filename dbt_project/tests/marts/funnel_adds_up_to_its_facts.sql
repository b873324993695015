-- Every event measure of the funnel equals the plain sum of its fact, per month and employee: no join multiplied or lost a row.
{% set measures = [
    ('interactions', 'fct_interactions', 'employee_id', 'sum(interactions)'),
    ('activities', 'fct_tasks', 'assignee_id', 'count(*)'),
    ('orders', 'fct_orders', 'executor_id', 'sum(orders)'),
    ('returns', 'fct_orders', 'executor_id', 'sum(returns)'),
    ('pending_orders', 'fct_orders', 'executor_id', 'sum(pending_orders)'),
    ('sales_amount', 'fct_order_lines', 'executor_id', 'sum(sales_amount)'),
    ('revenue_amount', 'fct_order_lines', 'executor_id', 'sum(revenue_amount)'),
    ('collected_amount', 'fct_payments', 'executor_id', 'sum(collected_amount)'),
] %}

with facts as (
    {% for measure, fact, owner, amount in measures %}
    select
        month_date,
        {{ owner }} as employee_id,
        '{{ measure }}' as measure,
        {{ amount }} as fact_amount
    from {{ ref(fact) }}
    where month_date is not null
    group by
        month_date,
        {{ owner }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

funnel as (
    {% for measure, fact, owner, amount in measures %}
    select
        month_date,
        employee_id,
        '{{ measure }}' as measure,
        {{ measure }} as funnel_amount
    from {{ ref('fct_funnel') }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

final as (
    select
        coalesce(facts.month_date, funnel.month_date) as month_date,
        coalesce(facts.employee_id, funnel.employee_id) as employee_id,
        coalesce(facts.measure, funnel.measure) as measure,
        facts.fact_amount,
        funnel.funnel_amount
    from facts
    full outer join funnel
        on
            facts.month_date = funnel.month_date
            and facts.employee_id = funnel.employee_id
            and facts.measure = funnel.measure
    where coalesce(facts.fact_amount, 0) != coalesce(funnel.funnel_amount, 0)
)

select * from final
