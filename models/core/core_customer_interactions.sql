{%- set touched_interactions -%}
select interaction_id from {{ changes('core_interactions') }}
{%- endset -%}
{%- set touched_tasks -%}
select task_id from {{ changes('core_tasks') }}
union all
select task_id from {{ changes('core_bridge_tasks_customers') }}
{%- endset -%}
{#- A task's rows, by the customers it names now and those it named before. -#}
{%- set touched -%}
select 'interaction:' || interaction_id from {{ changes('core_interactions') }}
union all
select 'task:' || task_id || ':' || customer_id from core.core_bridge_tasks_customers where task_id in ({{ touched_tasks }})
union all
select 'task:' || task_id || ':' || customer_id from {{ changes('core_bridge_tasks_customers') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'interaction_key', 'touched': touched}}) }}

with interactions as (
    select
        interaction_id,
        customer_id,
        employee_id,
        type as interaction_type,
        direction,
        outcome,
        occurred_at,
        duration_seconds,
        is_deleted
    from {{ ref('core_interactions') }}
    {{ in_scope('interaction_id', touched_interactions) }}
),

tasks as (
    select
        task_id,
        assignee_id,
        status,
        created_at,
        is_deleted
    from {{ ref('core_tasks') }}
    {{ in_scope('task_id', touched_tasks) }}
),

task_customers as (
    select
        task_id,
        customer_id
    from {{ ref('core_bridge_tasks_customers') }}
    {{ in_scope('task_id', touched_tasks) }}
),

rules as (
    select
        interaction_type,
        direction,
        outcome,
        is_counted,
        is_contact,
        is_on_card
    from {{ ref('interaction_rules') }}
),

-- Two kinds of row, never one twice: an interaction has its own id, a task has none here and one row per customer.
events as {{ not_kept() }} (
    select
        'interaction:' || interaction_id as interaction_key,
        interaction_id,
        customer_id,
        employee_id,
        interaction_type,
        direction,
        outcome,
        occurred_at,
        duration_seconds,
        is_deleted
    from interactions
    union all
    select
        'task:' || tasks.task_id || ':' || task_customers.customer_id as interaction_key,
        null as interaction_id,
        task_customers.customer_id,
        tasks.assignee_id as employee_id,
        'task' as interaction_type,
        null as direction,
        tasks.status as outcome,
        tasks.created_at as occurred_at,
        null as duration_seconds,
        tasks.is_deleted
    from tasks
    inner join task_customers on tasks.task_id = task_customers.task_id
),

-- The rules are matched once per combination. What is not given matches the wildcard only.
combinations as (
    select distinct
        interaction_type,
        coalesce(direction, '') as direction,
        coalesce(outcome, '') as outcome
    from events
),

-- The most specific rule wins: by how many of direction and outcome it names, then the one that names the outcome.
matches as (
    select
        combinations.interaction_type,
        combinations.direction,
        combinations.outcome,
        rules.is_counted,
        rules.is_contact,
        rules.is_on_card,
        row_number() over (
            partition by combinations.interaction_type, combinations.direction, combinations.outcome
            order by
                case when rules.direction = '*' then 0 else 1 end + case when rules.outcome = '*' then 0 else 1 end desc,
                case when rules.outcome = '*' then 0 else 1 end desc
        ) as rule_place
    from combinations
    inner join rules
        on
            combinations.interaction_type = rules.interaction_type
            and rules.direction in (combinations.direction, '*')
            and rules.outcome in (combinations.outcome, '*')
),

best_rules as (
    select
        interaction_type,
        direction,
        outcome,
        is_counted,
        is_contact,
        is_on_card
    from matches
    where rule_place = 1
),

final as (
    select
        events.interaction_key,
        events.interaction_id,
        events.customer_id,
        events.employee_id,
        events.interaction_type,
        events.direction,
        events.outcome,
        events.occurred_at,
        cast(events.occurred_at as date) as occurred_date,
        {{ month_of('events.occurred_at') }} as month_date,
        events.duration_seconds,
        not events.is_deleted and coalesce(best_rules.is_counted, false) as is_counted,
        not events.is_deleted and coalesce(best_rules.is_contact, false) as is_contact,
        (not events.is_deleted or events.interaction_type = 'comment') and coalesce(best_rules.is_on_card, false) as is_on_card,
        best_rules.interaction_type is not null as has_rule,
        events.is_deleted
    from events
    left join best_rules
        on
            events.interaction_type = best_rules.interaction_type
            and coalesce(events.direction, '') = best_rules.direction
            and coalesce(events.outcome, '') = best_rules.outcome
)

select * from final
