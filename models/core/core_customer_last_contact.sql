{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_customer_interactions') }}
union all
select customer_id from {{ changes('core_orders') }}
union all
select customer_id from {{ changes('core_payments') }}
union all
select customer_id from {{ changes('core_opportunities') }}
union all
select customer_id from {{ changes('core_bridge_tasks_customers') }}
union all
select customer_id from core.core_bridge_tasks_customers where task_id in (select task_id from {{ changes('core_tasks') }})
union all
select customer_id from core.core_customers where exists (select 1 from {{ changes('core_task_types') }})
union all
select customer_id from core.core_customers where {{ became_past('created_at') }}
union all
select customer_id from core.core_customers where {{ became_past('last_contact_at') }}
union all
select customer_id from core.core_customer_interactions where {{ became_past('occurred_at') }}
union all
select customer_id from core.core_orders where {{ became_past('created_at') }}
union all
select customer_id from core.core_orders where {{ became_past('order_date') }}
union all
select customer_id from core.core_payments where {{ became_past('paid_on') }}
union all
select customer_id from core.core_opportunities where {{ became_past('created_at') }}
union all
select customer_id from core.core_bridge_tasks_customers where task_id in (select task_id from core.core_tasks where {{ became_past('completed_at') }})
{%- endset -%}
{%- set touched_tasks -%}
select task_id from core.core_bridge_tasks_customers where customer_id in ({{ touched_keys() }})
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with customers as (
    select
        customer_id,
        created_at,
        last_contact_at
    from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

interactions as (
    select
        customer_id,
        occurred_at,
        is_contact
    from {{ ref('core_customer_interactions') }}
    {{ in_scope('customer_id') }}
),

orders as (
    select
        customer_id,
        order_type,
        order_date,
        created_at,
        is_deleted
    from {{ ref('core_orders') }}
    {{ in_scope('customer_id') }}
),

payments as (
    select
        customer_id,
        paid_on,
        amount,
        is_counted
    from {{ ref('core_payments') }}
    {{ in_scope('customer_id') }}
),

opportunities as (
    select
        customer_id,
        created_at,
        is_deleted
    from {{ ref('core_opportunities') }}
    {{ in_scope('customer_id') }}
),

tasks as (
    select
        task_id,
        task_type_id,
        status,
        completed_at,
        is_deleted
    from {{ ref('core_tasks') }}
    {{ in_scope('task_id', touched_tasks) }}
),

task_customers as (
    select
        task_id,
        customer_id
    from {{ ref('core_bridge_tasks_customers') }}
    {{ in_scope('customer_id') }}
),

task_types as (
    select
        task_type_id,
        task_type_name
    from {{ ref('core_task_types') }}
),

rules as (
    select
        event,
        task_type,
        is_contact,
        priority
    from {{ ref('last_contact_rules') }}
),

-- Everything that a rule may call contact; only tasks have a type. Which interactions are contact is the matter of interaction_rules.
events as (
    select
        'reported_by_crm' as event,
        customer_id,
        '' as task_type_id,
        last_contact_at as contact_at
    from customers
    union all
    select
        'customer_created' as event,
        customer_id,
        '' as task_type_id,
        created_at as contact_at
    from customers
    union all
    select
        'interaction' as event,
        customer_id,
        '' as task_type_id,
        occurred_at as contact_at
    from interactions
    where is_contact
    union all
    -- Writing an order up means talking to the customer, whatever became of the order.
    select
        case when order_type = 'sale' then 'sale_order' else 'return_order' end as event,
        customer_id,
        '' as task_type_id,
        coalesce(created_at, cast(order_date as timestamp)) as contact_at
    from orders
    where not is_deleted
    union all
    select
        'payment' as event,
        customer_id,
        '' as task_type_id,
        cast(paid_on as timestamp) as contact_at
    from payments
    where
        is_counted
        and amount > 0
    union all
    select
        'opportunity_created' as event,
        customer_id,
        '' as task_type_id,
        created_at as contact_at
    from opportunities
    where not is_deleted
    union all
    select
        'completed_task' as event,
        task_customers.customer_id,
        tasks.task_type_id,
        tasks.completed_at as contact_at
    from tasks
    inner join task_customers on tasks.task_id = task_customers.task_id
    where
        tasks.status = 'completed'
        and not tasks.is_deleted
),

-- A contact in the future is a slip of somebody's pen, and no contact.
past_events as (
    select
        event,
        customer_id,
        task_type_id,
        contact_at
    from events
    where contact_at < {{ as_of_end() }}
),

-- The rules are matched once per kind of event and task type, whose name or id a rule may give.
kinds as (
    select distinct
        past_events.event,
        past_events.task_type_id,
        task_types.task_type_name
    from past_events
    left join task_types on past_events.task_type_id = task_types.task_type_id
),

-- A rule that names the task type goes before the one for any; by id before by name, in case one type is called as another is numbered.
matches as (
    select
        kinds.event,
        kinds.task_type_id,
        rules.is_contact,
        rules.priority,
        row_number() over (
            partition by kinds.event, kinds.task_type_id
            order by
                case
                    when rules.task_type = kinds.task_type_id then 1
                    when rules.task_type = kinds.task_type_name then 2
                    else 3
                end
        ) as rule_place
    from kinds
    inner join rules
        on
            kinds.event = rules.event
            and (rules.task_type = '*' or rules.task_type in (kinds.task_type_id, kinds.task_type_name))
),

contacts as (
    select
        past_events.customer_id,
        past_events.event,
        past_events.contact_at,
        matches.priority
    from past_events
    inner join matches
        on
            past_events.event = matches.event
            and past_events.task_type_id = matches.task_type_id
    where
        matches.rule_place = 1
        and matches.is_contact
),

-- What stands first goes before the rest even where it is older; among equals the latest counts.
first_in_line as (
    select
        customer_id,
        min(priority) as priority
    from contacts
    group by customer_id
),

latest as (
    select
        contacts.customer_id,
        max(contacts.contact_at) as last_contact_at
    from contacts
    inner join first_in_line
        on
            contacts.customer_id = first_in_line.customer_id
            and contacts.priority = first_in_line.priority
    group by contacts.customer_id
),

derived as (
    select
        customer_id,
        max(contact_at) as last_contact_derived_at
    from contacts
    where event <> 'reported_by_crm'
    group by customer_id
),

reported as (
    select
        customer_id,
        contact_at as last_contact_reported_at
    from past_events
    where event = 'reported_by_crm'
),

final as (
    select
        customers.customer_id,
        reported.last_contact_reported_at,
        derived.last_contact_derived_at,
        latest.last_contact_at
    from customers
    left join reported on customers.customer_id = reported.customer_id
    left join derived on customers.customer_id = derived.customer_id
    left join latest on customers.customer_id = latest.customer_id
)

select * from final
