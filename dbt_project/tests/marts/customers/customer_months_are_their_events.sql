-- Every figure, by the manager then and by the manager now, is the sum of its rows in fct_customer_events.
{% set figures = {
    'new_customers': ('customer', none, 'new_customers'),
    'customer_emails_read': ('interaction', 'email', 'interactions'),
    'customer_sms_delivered': ('interaction', 'sms', 'interactions'),
    'customer_calls_answered': ('interaction', 'call', 'interactions'),
    'customer_call_seconds': ('interaction', 'call', 'call_seconds'),
    'customer_tasks': ('interaction', 'task', 'interactions'),
    'customer_interactions': ('interaction', none, 'interactions'),
    'customer_orders': ('order', none, 'orders'),
    'customer_sales_amount': ('order', none, 'sales_amount'),
    'customer_revenue_amount': ('order', none, 'revenue_amount'),
    'customer_collected_amount': ('payment', none, 'collected_amount'),
} %}

{% set read = [
    ref('fct_customer_events'),
    ref('kpi_customer_month'),
] %}

with figures as (
    {% for measure in figures %}
    select
        '{{ measure }}' as measure,
        month_date,
        manager_id,
        {{ measure }} as figure
    from {{ rows_of_changed(ref('kpi_customer_month'), 'month_date', read) }}
    union all
    select
        '{{ measure }}_current' as measure,
        month_date,
        manager_id,
        {{ measure }}_current as figure
    from {{ rows_of_changed(ref('kpi_customer_month'), 'month_date', read) }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

details as (
    {% for measure, (event_kind, interaction_type, column) in figures.items() %}
    select
        '{{ measure }}' as measure,
        month_date,
        manager_id,
        sum({{ column }}) as figure
    from {{ rows_of_changed(ref('fct_customer_events'), 'month_date', read) }}
    where
        event_kind = '{{ event_kind }}'
        {% if interaction_type %}
        and interaction_type = '{{ interaction_type }}'
        {% endif %}
    group by
        month_date,
        manager_id
    union all
    select
        '{{ measure }}_current' as measure,
        month_date,
        manager_current_id as manager_id,
        sum({{ column }}) as figure
    from {{ rows_of_changed(ref('fct_customer_events'), 'month_date', read) }}
    where
        event_kind = '{{ event_kind }}'
        {% if interaction_type %}
        and interaction_type = '{{ interaction_type }}'
        {% endif %}
        and not is_customer_deleted
    group by
        month_date,
        manager_current_id
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

final as (
    select
        coalesce(figures.measure, details.measure) as measure,
        coalesce(figures.month_date, details.month_date) as month_date,
        coalesce(figures.manager_id, details.manager_id) as manager_id,
        figures.figure,
        details.figure as expected_figure
    from figures
    full outer join details
        on
            figures.measure = details.measure
            and figures.month_date = details.month_date
            and figures.manager_id = details.manager_id
    where coalesce(figures.figure, 0) != coalesce(details.figure, 0)
)

select * from final
