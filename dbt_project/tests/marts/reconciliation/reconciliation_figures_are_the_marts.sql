-- The figures on both sides are the ones that the other marts show, in every month, for every owner and for no other.
{% set months_of_funnel = 'month_date, employee_id, \'none\' as department_id' %}
{% set this_month_of_manager = month_of(as_of()) ~ ' as month_date, manager_id as employee_id, \'none\' as department_id' %}
{% set months_of_department = 'month_date, \'none\' as employee_id, department_id' %}
{% set named = "department_id not in ('none', 'unknown')" %}
{% set states = 'tasks_new + tasks_in_progress + tasks_awaiting_confirmation + tasks_late + tasks_completed' %}
-- topic, metric, line_kind, mart, keys, column, filter
{% set figures = [
    ('revenue_by_executor_or_owner', 'revenue_amount', 'figure_from', 'fct_funnel', months_of_funnel, 'revenue_amount', 'true'),
    ('orders_by_executor_or_owner', 'orders', 'figure_from', 'kpi_department_month', months_of_department, 'orders', named),
    ('kpi_or_card_interactions', 'interactions', 'figure_from', 'fct_funnel', months_of_funnel, 'interactions', 'true'),
    ('kpi_or_card_interactions', 'interactions', 'figure_to', 'fct_card_interactions', months_of_funnel, 'card_interactions', 'true'),
    ('created_or_assigned', 'customers', 'figure_from', 'fct_funnel', months_of_funnel, 'new_customers', 'true'),
    ('created_or_assigned', 'customers', 'figure_to', 'fct_funnel', months_of_funnel, 'customers_assigned', 'true'),
    (
        'customers_or_persons', 'persons', 'figure_from', 'kpi_customer_structure', this_month_of_manager, 'customers',
        "dimension = 'age_band'",
    ),
    (
        'customers_or_persons', 'persons', 'figure_to', 'kpi_customer_structure', this_month_of_manager, 'persons',
        "dimension = 'contact_age_band'",
    ),
    (
        'customers_or_persons', 'persons_of_known_age', 'figure_from', 'kpi_customer_structure', this_month_of_manager, 'customers',
        "dimension = 'age_band' and member_id != 'unknown'",
    ),
    (
        'customers_or_persons', 'persons_of_known_age', 'figure_to', 'kpi_customer_structure', this_month_of_manager, 'persons',
        "dimension = 'contact_age_band' and member_id != 'unknown'",
    ),
    ('tasks_created_or_state', 'tasks_not_cancelled', 'figure_from', 'kpi_task_month', months_of_funnel, 'tasks_created', 'true'),
    ('tasks_created_or_state', 'tasks_not_cancelled', 'figure_to', 'fct_task_status', months_of_funnel, states, 'true'),
    ('tasks_created_or_state', 'tasks_confirmed', 'figure_from', 'kpi_task_month', months_of_funnel, 'tasks_created', 'true'),
    ('tasks_created_or_state', 'tasks_confirmed', 'figure_to', 'kpi_task_month', months_of_funnel, 'tasks_confirmed', 'true'),
    ('sales_revenue_collected', 'revenue_amount', 'figure_from', 'fct_funnel', months_of_funnel, 'sales_amount', 'true'),
    ('sales_revenue_collected', 'revenue_amount', 'figure_to', 'fct_funnel', months_of_funnel, 'revenue_amount', 'true'),
    ('sales_revenue_collected', 'collected_amount', 'figure_from', 'fct_funnel', months_of_funnel, 'revenue_amount', 'true'),
    ('sales_revenue_collected', 'collected_amount', 'figure_to', 'fct_funnel', months_of_funnel, 'collected_amount', 'true'),
    ('then_or_now', 'customers_in_charge', 'figure_from', 'fct_funnel', months_of_funnel, 'customers_in_charge', 'true'),
    ('then_or_now', 'customers_in_charge', 'figure_to', 'fct_funnel', months_of_funnel, 'customers_in_charge_current', 'true'),
    ('then_or_now', 'new_customers', 'figure_from', 'fct_funnel', months_of_funnel, 'new_customers', 'true'),
    ('then_or_now', 'new_customers', 'figure_to', 'fct_funnel', months_of_funnel, 'new_customers_current', 'true'),
    (
        'members_or_department', 'ordering_customers', 'figure_to', 'kpi_department_month', months_of_department, 'ordering_customers',
        named,
    ),
] %}
{% for measure in ['orders', 'revenue_amount'] %}
{% for metric in ['by_department_then', 'of_all_members'] %}
{% do figures.append(
    ('members_or_department', measure ~ '_' ~ metric, 'figure_from', 'kpi_department_month', months_of_department, measure, named)
) %}
{% endfor %}
{% endfor %}
{% for measure in ['new_customers', 'orders', 'sales_amount', 'revenue_amount'] %}
{% for line_kind, mart in [('figure_from', 'fct_funnel'), ('figure_to', 'fct_funnel_by_source')] %}
{% do figures.append(('total_or_sum_of_members', measure ~ '_by_source', line_kind, mart, months_of_funnel, measure, 'true')) %}
{% endfor %}
{% endfor %}
{% for measure, column in [('customers', 'customers'), ('customer_revenue', 'revenue_amount')] %}
{% for member in ['source', 'industry'] %}
{% for line_kind, dimension in [('figure_from', 'gender'), ('figure_to', member)] %}
{% do figures.append(
    (
        'total_or_sum_of_members', measure ~ '_by_' ~ member, line_kind, 'kpi_customer_structure', this_month_of_manager, column,
        "dimension = '" ~ dimension ~ "'",
    )
) %}
{% endfor %}
{% endfor %}
{% endfor %}

with shown as (
    {% for topic, metric, line_kind, mart, keys, column, filter in figures %}
    select
        '{{ topic }}' as topic,
        '{{ metric }}' as metric,
        '{{ line_kind }}' as line_kind,
        {{ keys }},
        {{ column }} as figure
    from {{ ref(mart) }}
    where {{ filter }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

expected as (
    select
        topic,
        metric,
        line_kind,
        month_date,
        employee_id,
        department_id,
        sum(figure) as figure
    from shown
    group by
        topic,
        metric,
        line_kind,
        month_date,
        employee_id,
        department_id
),

compared as (
    select distinct
        topic,
        metric,
        line_kind
    from expected
),

found as (
    select reconciliation.*
    from {{ ref('kpi_reconciliation') }} as reconciliation
    inner join compared
        on
            reconciliation.topic = compared.topic
            and reconciliation.metric = compared.metric
            and reconciliation.line_kind = compared.line_kind
),

final as (
    select
        coalesce(expected.topic, found.topic) as topic,
        coalesce(expected.metric, found.metric) as metric,
        coalesce(expected.line_kind, found.line_kind) as line_kind,
        coalesce(expected.month_date, found.month_date) as month_date,
        coalesce(expected.employee_id, found.employee_id) as employee_id,
        coalesce(expected.department_id, found.department_id) as department_id,
        expected.figure,
        found.value
    from expected
    full outer join found
        on
            expected.topic = found.topic
            and expected.metric = found.metric
            and expected.line_kind = found.line_kind
            and expected.month_date = found.month_date
            and expected.employee_id = found.employee_id
            and expected.department_id = found.department_id
    where coalesce(expected.figure, 0) != coalesce(found.value, 0)
)

select * from final
