-- Every figure by member is the number or the sum of the rows that its mart's description names.
{% set single_valued = {
    'relationship': 'relationship_id',
    'province': 'province_id',
    'gender': 'gender',
    'age_band': 'age_band',
    'care_recency': 'care_recency_bucket',
} %}
{% set multi_valued = {'source': ('fct_customer_sources', 'source_id'), 'industry': ('fct_customer_industries', 'industry_id')} %}

with details as (
    {% for dimension, column in single_valued.items() %}
    select
        manager_id,
        '{{ dimension }}' as dimension,
        {{ column }} as member_id,
        count(*) as customers,
        count(*) as customers_split,
        count(*) as persons,
        sum(revenue_amount) as revenue_amount,
        sum(revenue_amount) as revenue_split_amount
    from {{ ref('dim_customer_cohort') }}
    where not is_deleted
    group by
        manager_id,
        {{ column }}
    union all
    {% endfor %}
    {% for dimension, (mart, column) in multi_valued.items() %}
    select
        manager_id,
        '{{ dimension }}' as dimension,
        {{ column }} as member_id,
        count(*) as customers,
        sum(customers_split) as customers_split,
        count(*) as persons,
        sum(revenue_amount) as revenue_amount,
        sum(revenue_split_amount) as revenue_split_amount
    from {{ ref(mart) }}
    group by
        manager_id,
        {{ column }}
    union all
    {% endfor %}
    select
        manager_id,
        'contact_age_band' as dimension,
        age_band as member_id,
        count(distinct customer_id) as customers,
        sum(customers_split) as customers_split,
        count(*) as persons,
        sum(case when is_first_of_customer = 1 then revenue_amount else 0 end) as revenue_amount,
        sum(revenue_split_amount) as revenue_split_amount
    from (
        select
            manager_id,
            customer_id,
            age_band,
            customers_split,
            revenue_amount,
            revenue_split_amount,
            row_number() over (partition by customer_id, age_band order by person_key) as is_first_of_customer
        from {{ ref('fct_customer_persons') }}
    ) as persons
    group by
        manager_id,
        age_band
),

final as (
    select
        coalesce(figures.manager_id, details.manager_id) as manager_id,
        coalesce(figures.dimension, details.dimension) as dimension,
        coalesce(figures.member_id, details.member_id) as member_id,
        figures.customers as figure_customers,
        details.customers as detail_customers
    from {{ ref('kpi_customer_structure') }} as figures
    full outer join details
        on
            figures.manager_id = details.manager_id
            and figures.dimension = details.dimension
            and figures.member_id = details.member_id
    where
        figures.manager_id is null
        or details.manager_id is null
        or figures.customers != details.customers
        or figures.customers_split != details.customers_split
        or figures.persons != details.persons
        or figures.revenue_amount != details.revenue_amount
        or figures.revenue_split_amount != details.revenue_split_amount
)

select * from final
