-- The journey's last day, from histories, equals the customers as they are now, by person in charge and relationship.
-- A night reads the CRM after midnight and may see a change of the next day already: those few customers are taken as they were.
with journey as (
    select
        manager_id,
        relationship_id,
        sum(customers) as customers
    from {{ ref('fct_journey') }}
    where as_of_date = {{ as_of() }}
    group by manager_id, relationship_id
),

late_customers as (
    select customer_id
    from {{ ref('core_customer_owner_history') }}
    where valid_from_at >= {{ as_of_end() }} or valid_to_at >= {{ as_of_end() }}
    union
    select customer_id
    from {{ ref('core_customer_relationship_history') }}
    where valid_from_at >= {{ as_of_end() }} or valid_to_at >= {{ as_of_end() }}
),

live_customers as (
    select
        customers.manager_id,
        customers.relationship_id
    from {{ ref('core_customers') }} as customers
    left join late_customers on customers.customer_id = late_customers.customer_id
    where
        not customers.is_deleted
        and late_customers.customer_id is null
    union all
    select
        owners.manager_id,
        relationships.relationship_id
    from late_customers
    inner join {{ ref('core_customer_owner_history') }} as owners
        on
            late_customers.customer_id = owners.customer_id
            and owners.valid_from_at < {{ as_of_end() }}
            and coalesce(owners.valid_to_at >= {{ as_of_end() }}, true)
    inner join {{ ref('core_customer_relationship_history') }} as relationships
        on
            late_customers.customer_id = relationships.customer_id
            and relationships.valid_from_at < {{ as_of_end() }}
            and coalesce(relationships.valid_to_at >= {{ as_of_end() }}, true)
),

live as (
    select
        manager_id,
        relationship_id,
        count(*) as customers
    from live_customers
    group by manager_id, relationship_id
),

final as (
    select
        coalesce(journey.manager_id, live.manager_id) as manager_id,
        coalesce(journey.relationship_id, live.relationship_id) as relationship_id,
        journey.customers as journey_customers,
        live.customers as live_customers
    from journey
    full outer join live
        on
            journey.manager_id = live.manager_id
            and journey.relationship_id = live.relationship_id
    where coalesce(journey.customers, 0) != coalesce(live.customers, 0)
)

select * from final
