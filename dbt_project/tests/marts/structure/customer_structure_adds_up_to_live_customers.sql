-- Every dimension holds every live customer of every manager, and all of their revenue; the single-valued ones each customer once.
with customers as (
    select
        manager_id,
        count(*) as customers,
        sum(revenue_amount) as revenue_amount
    from {{ ref('dim_customer_cohort') }}
    where not is_deleted
    group by manager_id
),

created as (
    select
        employee_id as manager_id,
        sum(new_customers_current) as customers
    from {{ ref('fct_funnel') }}
    group by employee_id
    having sum(new_customers_current) != 0
),

contacts as (
    select
        cohort.manager_id,
        count(*) as contacts
    from {{ ref('core_contacts') }} as core_contacts
    inner join {{ ref('dim_customer_cohort') }} as cohort on core_contacts.customer_id = cohort.customer_id
    where
        not core_contacts.is_deleted
        and not cohort.is_deleted
    group by cohort.manager_id
),

dimensions as (
    {% for dimension in ['relationship', 'source', 'industry', 'province', 'gender', 'age_band', 'care_recency', 'contact_age_band'] %}
    select
        '{{ dimension }}' as dimension,
        {{ 'false' if dimension in ['source', 'industry', 'contact_age_band'] else 'true' }} as is_single_valued
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}
),

expected as (
    select
        coalesce(customers.manager_id, created.manager_id) as manager_id,
        dimensions.dimension,
        dimensions.is_single_valued,
        created.customers as customers_created,
        customers.customers,
        customers.revenue_amount,
        customers.customers + coalesce(contacts.contacts, 0) as persons
    from customers
    full outer join created on customers.manager_id = created.manager_id
    left join contacts on customers.manager_id = contacts.manager_id
    cross join dimensions
),

found as (
    select
        manager_id,
        dimension,
        sum(customers) as customers,
        sum(customers_split) as customers_split,
        sum(persons) as persons,
        sum(revenue_amount) as revenue_amount,
        sum(revenue_split_amount) as revenue_split_amount
    from {{ ref('kpi_customer_structure') }}
    group by
        manager_id,
        dimension
),

final as (
    select
        coalesce(expected.manager_id, found.manager_id) as manager_id,
        coalesce(expected.dimension, found.dimension) as dimension,
        expected.customers,
        found.customers_split,
        expected.revenue_amount,
        found.revenue_split_amount
    from expected
    full outer join found
        on
            expected.manager_id = found.manager_id
            and expected.dimension = found.dimension
    where
        expected.manager_id is null
        or found.manager_id is null
        or expected.customers != expected.customers_created
        or expected.customers != found.customers_split
        or expected.revenue_amount != found.revenue_split_amount
        or (expected.is_single_valued and expected.customers != found.customers)
        or (expected.is_single_valued and expected.revenue_amount != found.revenue_amount)
        or (expected.dimension = 'contact_age_band' and expected.persons != found.persons)
        or (expected.dimension != 'contact_age_band' and found.customers != found.persons)
)

select * from final
