{% set single_valued = {
    'relationship': 'relationship_id',
    'province': 'province_id',
    'gender': 'gender',
    'age_band': 'age_band',
    'care_recency': 'care_recency_bucket',
} %}

with customers as (
    select * from {{ ref('dim_customer_cohort') }}
),

customer_sources as (
    select * from {{ ref('fct_customer_sources') }}
),

customer_industries as (
    select * from {{ ref('fct_customer_industries') }}
),

customer_persons as (
    select * from {{ ref('fct_customer_persons') }}
),

-- A customer with three persons in one band is one customer of the band, whose revenue counts once.
persons_by_customer as (
    select
        customer_persons.manager_id,
        customer_persons.customer_id,
        customer_persons.age_band,
        count(*) as persons,
        sum(customer_persons.customers_split) as customers_split,
        max(customer_persons.revenue_amount) as revenue_amount,
        sum(customer_persons.revenue_split_amount) as revenue_split_amount
    from customer_persons
    group by
        customer_persons.manager_id,
        customer_persons.customer_id,
        customer_persons.age_band
),

members as (
    {% for dimension, column in single_valued.items() %}
    select
        customers.manager_id,
        '{{ dimension }}' as dimension,
        customers.{{ column }} as member_id,
        1 as persons,
        1 as customers_split,
        customers.revenue_amount,
        customers.revenue_amount as revenue_split_amount
    from customers
    where not customers.is_deleted
    union all
    {% endfor %}
    select
        customer_sources.manager_id,
        'source' as dimension,
        customer_sources.source_id as member_id,
        1 as persons,
        customer_sources.customers_split,
        customer_sources.revenue_amount,
        customer_sources.revenue_split_amount
    from customer_sources
    union all
    select
        customer_industries.manager_id,
        'industry' as dimension,
        customer_industries.industry_id as member_id,
        1 as persons,
        customer_industries.customers_split,
        customer_industries.revenue_amount,
        customer_industries.revenue_split_amount
    from customer_industries
    union all
    select
        persons_by_customer.manager_id,
        'contact_age_band' as dimension,
        persons_by_customer.age_band as member_id,
        persons_by_customer.persons,
        persons_by_customer.customers_split,
        persons_by_customer.revenue_amount,
        persons_by_customer.revenue_split_amount
    from persons_by_customer
),

final as (
    select
        cast(members.manager_id as string) as manager_id,
        cast(members.dimension as string) as dimension,
        cast(members.member_id as string) as member_id,
        cast(count(*) as bigint) as customers,
        cast(sum(members.customers_split) as decimal(18, 6)) as customers_split,
        cast(sum(members.persons) as bigint) as persons,
        cast(sum(members.revenue_amount) as decimal(18, 2)) as revenue_amount,
        cast(sum(members.revenue_split_amount) as decimal(18, 2)) as revenue_split_amount
    from members
    group by
        members.manager_id,
        members.dimension,
        members.member_id
)

select * from final
