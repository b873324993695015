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

-- Events are read once; each figure below is a sum of these sums.
events as (
    select
        month_date,
        manager_id,
        manager_current_id,
        is_customer_deleted,
        event_kind,
        interaction_type,
        sum(new_customers) as new_customers,
        sum(interactions) as interactions,
        sum(call_seconds) as call_seconds,
        sum(orders) as orders,
        sum(sales_amount) as sales_amount,
        sum(revenue_amount) as revenue_amount,
        sum(collected_amount) as collected_amount
    from {{ rows_of_changed(ref('fct_customer_events'), 'month_date', read) }}
    group by
        month_date,
        manager_id,
        manager_current_id,
        is_customer_deleted,
        event_kind,
        interaction_type
),

details as (
    {% for measure, (event_kind, interaction_type, column) in figures.items() %}
    {% for suffix, manager in {'': 'manager_id', '_current': 'manager_current_id'}.items() %}
    select
        '{{ measure }}{{ suffix }}' as measure,
        month_date,
        {{ manager }} as manager_id,
        sum({{ column }}) as figure
    from events
    where
        event_kind = '{{ event_kind }}'
        {% if interaction_type %}
        and interaction_type = '{{ interaction_type }}'
        {% endif %}
        {% if suffix %}
        and not is_customer_deleted
        {% endif %}
    group by
        month_date,
        {{ manager }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
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
