-- Lines whose rows can be opened by a filter alone are the sum of these rows, as docs/reconciliation.md writes them.
{% set card = 'fct_card_interactions' %}
{% set handover = "start_reason = 'handover'" %}
{% set nobody = "previous_manager_id in ('none', 'unknown')" %}
{% set done = "task_state = 'completed' and completed_at is not null" %}
{% set elsewhere = month_of('completed_at') ~ ' != month_date' %}
-- metric, line, mart, month, owner, value, filter
{% set drills = [
    ('interactions', 'customers_created', card, 'month_date', 'employee_id', '1', "event_type = 'created'"),
    ('interactions', 'sms_only_sent', card, 'month_date', 'employee_id', '1', "event_type = 'sms' and interactions = 0"),
    ('interactions', 'comments_deleted', card, 'month_date', 'employee_id', '1', "event_type = 'comment' and is_deleted"),
    ('customers', 'received_from_others', 'fct_customer_owners', 'month_date', 'manager_id', '1', handover ~ ' and not ' ~ nobody),
    ('customers', 'received_from_nobody', 'fct_customer_owners', 'month_date', 'manager_id', '1', handover ~ ' and ' ~ nobody),
    ('tasks_confirmed', 'tasks_cancelled', 'fct_tasks', 'month_date', 'assignee_id', '-1', "task_state = 'cancelled'"),
    (
        'tasks_confirmed', 'tasks_open', 'fct_tasks', 'month_date', 'assignee_id', '-1',
        "task_state not in ('cancelled', 'completed')",
    ),
    ('tasks_confirmed', 'confirmed_in_another_month', 'fct_tasks', 'month_date', 'assignee_id', '-1', done ~ ' and ' ~ elsewhere),
    (
        'tasks_confirmed', 'created_in_another_month', 'fct_tasks', month_of('completed_at'), 'assignee_id', '1',
        done ~ ' and ' ~ elsewhere,
    ),
    ('revenue_amount', 'discounts', 'fct_orders', 'month_date', 'executor_id', '-discount_amount', 'is_counted'),
    ('revenue_amount', 'vat', 'fct_orders', 'month_date', 'executor_id', 'vat_amount', 'is_counted'),
] %}
{% set since = ['handed_over_since', 'deleted_since', 'received_since', 'restored_since'] %}

with filtered as (
    {% for metric, line, mart, month, owner, amount, condition in drills %}
    select
        '{{ metric }}' as metric,
        '{{ line }}' as line,
        {{ month }} as month_date,
        {{ owner }} as employee_id,
        {{ amount }} as figure
    from {{ ref(mart) }}
    where {{ condition }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

month_ends as (
    select
        month_date,
        cast(max(calendar_date) as timestamp) + interval 1 day as ends_at
    from {{ ref('dim_date') }}
    where calendar_date <= {{ as_of() }}
    group by month_date
),

customers as (
    select
        customer_id,
        case when not is_deleted then manager_id end as manager_id_now,
        {{ first_month_end('created_at') }} as first_ends_at
    from {{ ref('dim_customers') }}
    where
        not is_placeholder
        and created_at < {{ as_of_end() }}
),

-- Months' ends are first days of months, and the end of as_of: somebody is in charge on those from first_ends_at up to last_ends_at,
-- and many customers have the same ones. From their creation on, whoever was in charge before; nobody's now is null.
stretches as (
    select
        owners.manager_id as manager_id_then,
        customers.manager_id_now,
        greatest({{ first_month_end('owners.valid_from_at') }}, customers.first_ends_at) as first_ends_at,
        {{ last_month_end('owners.valid_to_at') }} as last_ends_at,
        count(*) as customers
    from {{ ref('fct_customer_owners') }} as owners
    inner join customers on owners.customer_id = customers.customer_id
    where owners.valid_from_at < {{ as_of_end() }}
    group by
        owners.manager_id,
        customers.manager_id_now,
        greatest({{ first_month_end('owners.valid_from_at') }}, customers.first_ends_at),
        {{ last_month_end('owners.valid_to_at') }}
),

stock as (
    select
        month_ends.month_date,
        stretches.manager_id_then,
        stretches.manager_id_now,
        sum(stretches.customers) as customers
    from stretches
    inner join month_ends on month_ends.ends_at between stretches.first_ends_at and stretches.last_ends_at
    group by
        month_ends.month_date,
        stretches.manager_id_then,
        stretches.manager_id_now
),

creations as (
    select
        manager_id_now,
        first_ends_at,
        count(*) as customers
    from customers
    where manager_id_now is not null
    group by
        manager_id_now,
        first_ends_at
),

left_since as (
    select
        'customers_in_charge' as metric,
        case when manager_id_now is null then 'deleted_since' else 'handed_over_since' end as line,
        month_date,
        manager_id_then as employee_id,
        -customers as figure
    from stock
    where manager_id_then is distinct from manager_id_now
),

received_since as (
    select
        'customers_in_charge' as metric,
        'received_since' as line,
        month_date,
        manager_id_now as employee_id,
        customers as figure
    from stock
    where manager_id_then != manager_id_now
),

-- Customers of whoever is in charge now of whom nobody was in charge then: all that were created, without those of somebody.
restored_since as (
    select
        'customers_in_charge' as metric,
        'restored_since' as line,
        month_ends.month_date,
        creations.manager_id_now as employee_id,
        creations.customers as figure
    from creations
    inner join month_ends on creations.first_ends_at <= month_ends.ends_at
    union all
    select
        'customers_in_charge' as metric,
        'restored_since' as line,
        month_date,
        manager_id_now as employee_id,
        -customers as figure
    from stock
    where manager_id_now is not null
),

rows_behind as (
    select * from filtered
    union all
    select * from left_since
    union all
    select * from received_since
    union all
    select * from restored_since
),

expected as (
    select
        metric,
        line,
        month_date,
        employee_id,
        sum(figure) as figure
    from rows_behind
    group by
        metric,
        line,
        month_date,
        employee_id
),

found as (
    select
        metric,
        line,
        month_date,
        employee_id,
        value
    from {{ ref('kpi_reconciliation') }}
    where
        (metric = 'customers_in_charge' and line in ('{{ since | join("', '") }}'))
        {% for metric, line, mart, month, owner, amount, condition in drills %}
        or (metric = '{{ metric }}' and line = '{{ line }}')
        {% endfor %}
),

final as (
    select
        coalesce(expected.metric, found.metric) as metric,
        coalesce(expected.line, found.line) as line,
        coalesce(expected.month_date, found.month_date) as month_date,
        coalesce(expected.employee_id, found.employee_id) as employee_id,
        expected.figure,
        found.value
    from expected
    full outer join found
        on
            expected.metric = found.metric
            and expected.line = found.line
            and expected.month_date = found.month_date
            and expected.employee_id = found.employee_id
    where coalesce(expected.figure, 0) != coalesce(found.value, 0)
)

select * from final
