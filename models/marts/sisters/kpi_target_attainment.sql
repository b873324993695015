{#- Targets of the periods that run, and of those in which a fact changed that a target asks for. -#}
{%- set touched -%}
select period_start from {{ changes('core_kpi_targets') }}
union all
select period_start from core.core_kpi_targets
where
    (period_start < (select as_of_end from {{ this_build() }}) and period_end >= (select previous_as_of_end from {{ this_build() }}))
    or exists (select 1 from {{ changes('core_department_tree') }})
    or exists ({{ changed_in('dim_employees', ['employee_id', 'department_id', 'is_placeholder'], '1') }})
union all
select periods.period_start
from (select distinct period_start, period_end from core.core_kpi_targets) as periods
inner join (
    select day
    from ({{ changed_in('core_customers', ['customer_id', 'created_date'], 'created_date as day') }}) as created
    union
    select created_date as day
    from core.core_customers
    where customer_id in (
        select owners.customer_id
        from ({{ changed_in('core_customer_owner_history', ['customer_id', 'manager_id', 'valid_from_at'], 'customer_id, valid_from_at') }}) as owners
        left join (
            select customer_id, min(valid_from_at) as first_from_at
            from core.core_customer_owner_history
            where customer_id in (select customer_id from {{ changes('core_customer_owner_history') }})
            group by customer_id
        ) as first_owners on owners.customer_id = first_owners.customer_id
        where owners.valid_from_at <= coalesce(first_owners.first_from_at, owners.valid_from_at)
    )
    union
    select day
    from ({{ changed_in('fct_interactions', ['interaction_key', 'employee_id', 'occurred_date', 'interactions'], 'occurred_date as day') }}) as moved
    union
    select day
    from ({{ changed_in('fct_tasks', ['task_id', 'assignee_id', 'created_date', 'is_late'], 'created_date as day') }}) as moved
    union
    select day
    from (
        {{ changed_in(
            'fct_orders',
            ['order_id', 'executor_id', 'order_date', 'orders', 'returns', 'sales_amount', 'revenue_amount'],
            'order_date as day'
        ) }}
    ) as moved
    union
    select day
    from ({{ changed_in('fct_payments', ['payment_id', 'executor_id', 'paid_date', 'collected_amount'], 'paid_date as day') }}) as moved
) as touched_days on periods.period_start <= touched_days.day and periods.period_end >= touched_days.day
{%- endset -%}
{{ config(meta={'scope': {'column': 'period_start', 'touched': touched}}) }}

{#- Facts of other days enter none of these targets. -#}
{%- set target_days -%}
select dates.calendar_date
from {{ ref('dim_date') }} as dates
inner join (
    select distinct period_start, period_end
    from {{ ref('core_kpi_targets') }}
    where period_start in ({{ touched_keys() }})
) as periods on dates.calendar_date >= periods.period_start and dates.calendar_date <= periods.period_end
{%- endset -%}

with all_targets as (
    select * from {{ ref('core_kpi_targets') }}
    {{ in_scope('period_start') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('created_date', keys=target_days) }}
),

department_tree as (
    select * from {{ ref('core_department_tree') }}
),

owner_history as (
    select * from {{ ref('core_customer_owner_history') }}
),

interactions as (
    select * from {{ ref('fct_interactions') }}
    {{ in_scope('occurred_date', keys=target_days) }}
),

tasks as (
    select * from {{ ref('fct_tasks') }}
    {{ in_scope('created_date', keys=target_days) }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('order_date', keys=target_days) }}
),

payments as (
    select * from {{ ref('fct_payments') }}
    {{ in_scope('paid_date', keys=target_days) }}
),

-- Targets of owners that the CRM does not have are not one target: each keeps its row. They are numbered by what they say, so that
-- the order of rows in a file changes nothing.
targets as (
    select
        all_targets.period_start,
        all_targets.period_end,
        all_targets.employee_id,
        all_targets.department_id,
        all_targets.metric,
        all_targets.direction,
        all_targets.target_value,
        all_targets.weight,
        row_number() over (
            partition by
                all_targets.period_start,
                all_targets.period_end,
                all_targets.employee_id,
                all_targets.department_id,
                all_targets.metric
            order by
                all_targets.target_value,
                coalesce(all_targets.weight, 0),
                all_targets.direction
        ) as target_number,
        all_targets.metric in (
            'new_customers',
            'interactions',
            'activities',
            'tasks_late',
            'orders',
            'returns',
            'sales_amount',
            'revenue_amount',
            'collected_amount'
        ) as has_known_metric,
        all_targets.employee_id != 'unknown' and all_targets.department_id != 'unknown' as has_known_owner
    from all_targets
    where not all_targets.is_deleted
),

ranked_owners as (
    select
        owner_history.customer_id,
        owner_history.manager_id,
        row_number() over (
            partition by owner_history.customer_id order by owner_history.valid_from_at
        ) as owner_rank
    from owner_history
),

events as (
    select
        'new_customers' as metric,
        coalesce(ranked_owners.manager_id, 'unknown') as employee_id,
        customers.created_date as event_date,
        cast(1 as decimal(18, 2)) as figure
    from customers
    left join ranked_owners
        on
            customers.customer_id = ranked_owners.customer_id
            and ranked_owners.owner_rank = 1
    union all
    select
        'interactions' as metric,
        interactions.employee_id,
        interactions.occurred_date as event_date,
        interactions.interactions as figure
    from interactions
    union all
    select
        'activities' as metric,
        tasks.assignee_id as employee_id,
        tasks.created_date as event_date,
        1 as figure
    from tasks
    union all
    select
        'tasks_late' as metric,
        tasks.assignee_id as employee_id,
        tasks.created_date as event_date,
        1 as figure
    from tasks
    where tasks.is_late
    {%- for metric in ['orders', 'returns', 'sales_amount', 'revenue_amount'] %}
    union all
    select
        '{{ metric }}' as metric,
        orders.executor_id as employee_id,
        orders.order_date as event_date,
        orders.{{ metric }} as figure
    from orders
    {%- endfor %}
    union all
    select
        'collected_amount' as metric,
        payments.executor_id as employee_id,
        payments.paid_date as event_date,
        payments.collected_amount as figure
    from payments
),

days as (
    select
        events.metric,
        events.employee_id,
        employees.department_id,
        events.event_date,
        sum(events.figure) as figure
    from events
    inner join employees on events.employee_id = employees.employee_id
    where not employees.is_placeholder
    group by
        events.metric,
        events.employee_id,
        employees.department_id,
        events.event_date
),

owner_days as (
    select
        days.metric,
        days.employee_id,
        'none' as department_id,
        days.event_date,
        days.figure
    from days
    union all
    select
        days.metric,
        'none' as employee_id,
        days.department_id,
        days.event_date,
        days.figure
    from days
    where days.department_id not in ('none', 'unknown')
),

actuals as (
    select
        targets.period_start,
        targets.period_end,
        targets.employee_id,
        targets.department_id,
        targets.metric,
        targets.target_number,
        sum(owner_days.figure) as actual_value
    from targets
    inner join owner_days
        on
            targets.metric = owner_days.metric
            and targets.employee_id = owner_days.employee_id
            and targets.department_id = owner_days.department_id
            and targets.period_start <= owner_days.event_date
            and targets.period_end >= owner_days.event_date
    group by
        targets.period_start,
        targets.period_end,
        targets.employee_id,
        targets.department_id,
        targets.metric,
        targets.target_number
),

-- The departments below a target's own, each once: a department has one parent.
below_actuals as (
    select
        targets.period_start,
        targets.period_end,
        targets.department_id,
        targets.metric,
        targets.target_number,
        sum(days.figure) as below_value
    from targets
    inner join department_tree
        on
            targets.department_id = department_tree.ancestor_id
            and department_tree.depth > 0
    inner join days
        on
            targets.metric = days.metric
            and department_tree.descendant_id = days.department_id
            and targets.period_start <= days.event_date
            and targets.period_end >= days.event_date
    group by
        targets.period_start,
        targets.period_end,
        targets.department_id,
        targets.metric,
        targets.target_number
),

measured as (
    select
        targets.*,
        case
            when targets.department_id not in ('none', 'unknown') and targets.has_known_metric
                then cast(coalesce(actuals.actual_value, 0) + coalesce(below_actuals.below_value, 0) as decimal(18, 2))
        end as actual_value_with_below,
        case
            when targets.has_known_metric and targets.has_known_owner then cast(coalesce(actuals.actual_value, 0) as decimal(18, 2))
        end as actual_value,
        case
            when targets.period_end < targets.period_start then 0
            else {{ dbt.datediff('targets.period_start', 'targets.period_end', 'day') }} + 1
        end as period_days,
        case
            when targets.period_end < targets.period_start or {{ as_of() }} < targets.period_start then 0
            when {{ as_of() }} < targets.period_end then {{ dbt.datediff('targets.period_start', as_of(), 'day') }} + 1
            else {{ dbt.datediff('targets.period_start', 'targets.period_end', 'day') }} + 1
        end as elapsed_days
    from targets
    left join actuals
        on
            targets.period_start = actuals.period_start
            and targets.period_end = actuals.period_end
            and targets.employee_id = actuals.employee_id
            and targets.department_id = actuals.department_id
            and targets.metric = actuals.metric
            and targets.target_number = actuals.target_number
    left join below_actuals
        on
            targets.period_start = below_actuals.period_start
            and targets.period_end = below_actuals.period_end
            and targets.department_id = below_actuals.department_id
            and targets.metric = below_actuals.metric
            and targets.target_number = below_actuals.target_number
),

-- A target of 0 or less has no share that could be reached.
compared as (
    select
        measured.*,
        case when measured.target_value > 0 then {{ ratio('measured.actual_value', 'measured.target_value') }} end as actual_share,
        case
            when measured.target_value > 0 then {{ ratio('measured.actual_value_with_below', 'measured.target_value') }}
        end as actual_share_with_below
    from measured
),

rated as (
    select
        compared.*,
        case
            when compared.direction = 'increase' then compared.actual_share
            when compared.actual_share > 2 then 0
            else 2 - compared.actual_share
        end as attainment_rate,
        case
            when compared.direction = 'increase' then compared.actual_share_with_below
            when compared.actual_share_with_below > 2 then 0
            else 2 - compared.actual_share_with_below
        end as attainment_with_below_rate
    from compared
),

capped as (
    select
        rated.*,
        case when rated.attainment_rate > 1 then 1 else rated.attainment_rate end as attainment_capped_rate
    from rated
),

final as (
    select
        cast(capped.period_start as date) as period_start,
        cast(capped.period_end as date) as period_end,
        cast(capped.employee_id as string) as employee_id,
        cast(capped.department_id as string) as department_id,
        cast(capped.metric as string) as metric,
        cast(capped.target_number as bigint) as target_number,
        cast(capped.has_known_metric as boolean) as has_known_metric,
        cast(capped.direction as string) as direction,
        cast(capped.target_value as decimal(18, 4)) as target_value,
        cast(capped.actual_value as decimal(18, 2)) as actual_value,
        cast(capped.attainment_rate as double) as attainment_rate,
        cast(capped.attainment_capped_rate as double) as attainment_capped_rate,
        cast(capped.actual_value_with_below as decimal(18, 2)) as actual_value_with_below,
        cast(capped.attainment_with_below_rate as double) as attainment_with_below_rate,
        cast(capped.weight as decimal(9, 6)) as weight,
        cast(capped.weight as double) * cast(capped.attainment_rate as double) as weighted_rate,
        cast(capped.weight as double) * cast(capped.attainment_capped_rate as double) as weighted_capped_rate,
        cast(capped.period_days as bigint) as period_days,
        cast(capped.elapsed_days as bigint) as elapsed_days,
        {{ ratio('capped.elapsed_days', 'capped.period_days') }} as elapsed_rate
    from capped
)

select * from final
