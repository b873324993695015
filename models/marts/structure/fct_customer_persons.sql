{%- set touched -%}
{{ changed_in('dim_customer_cohort', ['customer_id', 'manager_id', 'revenue_amount', 'is_deleted'], 'customer_id') }}
union all
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_contacts') }}
union all
select customer_id from core.core_customers where {{ had_birthday('birthday') }}
union all
select customer_id from core.core_contacts where {{ had_birthday('birthday') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}}) }}

with cohort as (
    select * from {{ ref('dim_customer_cohort') }}
    {{ in_scope('customer_id') }}
),

customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

contacts as (
    select * from {{ ref('core_contacts') }}
    {{ in_scope('customer_id') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

-- The customer's own birthday here: the primary contact is a person of its own.
persons as (
    select
        cohort.customer_id,
        cast(null as string) as contact_id,
        'customer' as person_type,
        cohort.manager_id,
        cohort.revenue_amount,
        customers.birthday
    from cohort
    inner join customers on cohort.customer_id = customers.customer_id
    where not cohort.is_deleted
    union all
    select
        cohort.customer_id,
        contacts.contact_id,
        'contact' as person_type,
        cohort.manager_id,
        cohort.revenue_amount,
        contacts.birthday
    from contacts
    inner join cohort on contacts.customer_id = cohort.customer_id
    where
        not contacts.is_deleted
        and not cohort.is_deleted
),

-- A birthday after as_of is no birthday.
aged as (
    select
        persons.customer_id,
        persons.contact_id,
        persons.person_type,
        persons.manager_id,
        persons.revenue_amount,
        case when persons.birthday <= {{ as_of() }} then {{ completed_years('persons.birthday', as_of()) }} end
            as age_years,
        count(*) over (partition by persons.customer_id) as person_count,
        row_number() over (
            partition by persons.customer_id order by persons.person_type desc, persons.contact_id asc
        ) as person_number
    from persons
),

final as (
    select
        cast(
            {{ dbt.concat(['aged.person_type', "':'", 'coalesce(aged.contact_id, aged.customer_id)']) }} as string
        ) as person_key,
        cast(aged.customer_id as string) as customer_id,
        cast(aged.contact_id as string) as contact_id,
        cast(aged.manager_id as string) as manager_id,
        cast(aged.person_type as string) as person_type,
        cast(aged.age_years as integer) as age_years,
        cast(coalesce(age_bands.age_band, 'unknown') as string) as age_band,
        cast(aged.person_count as bigint) as person_count,
        cast(1 as bigint) as persons,
        {{ equal_part('aged.person_number', 'aged.person_count') }} as customers_split,
        cast(aged.revenue_amount as decimal(18, 2)) as revenue_amount,
        {{ equal_part_amount('aged.revenue_amount', 'aged.person_number', 'aged.person_count') }} as revenue_split_amount
    from aged
    left join age_bands
        on
            aged.age_years >= age_bands.from_years
            and (age_bands.to_years is null or aged.age_years < age_bands.to_years)
)

select * from final
