{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('fct_orders') }}
union all
select customer_id from {{ changes('fct_relationship_stays') }}
union all
select customer_id from core.core_customers where {{ became_past('created_date') }}
union all
select customer_id from core.core_customers where exists (select 1 from {{ changes('core_relationships') }})
union all
select customer_id from marts.fct_orders where {{ became_past('order_date') }}
{%- endset -%}
{#- Whoever has not converted has been followed a day longer every night. -#}
{%- set daily = {
    'column': 'days_observed',
    'value': dbt.datediff('created_date', day_of_build(), 'day'),
    'rows': 'event_date is null',
} -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}, 'daily': daily}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    where
        not is_deleted
        and created_date <= {{ as_of() }}
        {{ in_scope('customer_id', prefix='and') }}
),

relationships as (
    select * from {{ ref('core_relationships') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('customer_id') }}
),

stays as (
    select * from {{ ref('fct_relationship_stays') }}
    {{ in_scope('customer_id') }}
),

results as (
    select
        'order' as result_type,
        'order' as result_id
    union all
    select
        'relationship' as result_type,
        relationships.relationship_id as result_id
    from relationships
),

-- An order dated after as_of has not happened yet.
first_events as (
    select
        orders.customer_id,
        'order' as result_type,
        'order' as result_id,
        min(orders.order_date) as event_date
    from orders
    where
        orders.orders = 1
        and orders.order_date <= {{ as_of() }}
    group by orders.customer_id
    union all
    select
        stays.customer_id,
        'relationship' as result_type,
        stays.relationship_id as result_id,
        stays.entered_date as event_date
    from stays
    where stays.is_first_entry
),

followed as (
    select
        customers.customer_id,
        customers.manager_id,
        customers.created_date,
        results.result_type,
        results.result_id,
        first_events.event_date,
        {{ dbt.datediff('customers.created_date', 'first_events.event_date', 'day') }} as days_to_event,
        {{ dbt.datediff('customers.created_date', as_of(), 'day') }} as days_to_as_of
    from customers
    cross join results
    left join first_events
        on
            customers.customer_id = first_events.customer_id
            and results.result_type = first_events.result_type
            and results.result_id = first_events.result_id
),

final as (
    select
        cast(followed.customer_id as string) as customer_id,
        cast(followed.result_type as string) as result_type,
        cast(followed.result_id as string) as result_id,
        cast(followed.manager_id as string) as manager_id,
        cast(followed.created_date as date) as created_date,
        cast(followed.event_date as date) as event_date,
        cast(case when followed.days_to_event >= 0 then followed.days_to_event end as bigint) as days_to_event,
        cast(case when followed.event_date is null then followed.days_to_as_of end as bigint) as days_observed,
        cast(coalesce(followed.days_to_event >= 0, false) as boolean) as is_converted,
        cast(coalesce(followed.days_to_event < 0, false) as boolean) as has_negative_duration
    from followed
)

select * from final
