{#- Days since the last contact, on the day of this build. -#}
{%- set recency_days = dbt.datediff('cast(last_contact_at as date)', day_of_build(), 'day') -%}
{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('core_contacts') }}
union all
select customer_id from {{ changes('core_customer_last_contact') }}
union all
select customer_id from {{ changes('fct_orders') }}
union all
select customer_id from core.core_customers where {{ had_birthday('birthday') }}
union all
select customer_id from core.core_contacts where {{ had_birthday('birthday') }}
union all
select standing.customer_id
from marts.dim_customer_cohort as standing
inner join seeds.recency_buckets as buckets on standing.care_recency_bucket = buckets.bucket
where {{ recency_days }} < buckets.from_days or {{ recency_days }} >= buckets.to_days
{%- endset -%}
{%- set daily = {'column': 'care_recency_days', 'value': recency_days, 'rows': 'last_contact_at is not null'} -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}, 'daily': daily}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

contacts as (
    select * from {{ ref('core_contacts') }}
    {{ in_scope('customer_id') }}
),

last_contacts as (
    select * from {{ ref('core_customer_last_contact') }}
    {{ in_scope('customer_id') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    {{ in_scope('customer_id') }}
),

recency_buckets as (
    select * from {{ ref('recency_buckets') }}
),

age_bands as (
    select * from {{ ref('age_bands') }}
),

ranked_contacts as (
    select
        contacts.customer_id,
        contacts.birthday,
        row_number() over (partition by contacts.customer_id order by contacts.contact_id) as contact_rank
    from contacts
    where
        contacts.is_primary
        and not contacts.is_deleted
        and contacts.birthday is not null
),

customer_orders as (
    select
        orders.customer_id,
        min(case when orders.orders = 1 then orders.order_date end) as first_order_date,
        sum(orders.orders) as orders,
        sum(orders.sales_amount) as sales_amount,
        sum(orders.revenue_amount) as revenue_amount,
        sum(orders.collected_amount) as collected_amount
    from orders
    group by orders.customer_id
),

dated as (
    select
        customers.customer_id,
        customers.created_month_date,
        customers.manager_id,
        customers.relationship_id,
        customers.province_id,
        customers.gender,
        customers.is_deleted,
        last_contacts.last_contact_at,
        customer_orders.first_order_date,
        customer_orders.orders,
        customer_orders.sales_amount,
        customer_orders.revenue_amount,
        customer_orders.collected_amount,
        coalesce(customers.birthday, ranked_contacts.birthday) as birthday,
        {{ dbt.datediff('cast(last_contacts.last_contact_at as date)', as_of(), 'day') }} as care_recency_days,
        {{ dbt.datediff('customers.created_date', 'customer_orders.first_order_date', 'day') }} as days_to_order
    from customers
    left join ranked_contacts
        on
            customers.customer_id = ranked_contacts.customer_id
            and ranked_contacts.contact_rank = 1
    left join last_contacts on customers.customer_id = last_contacts.customer_id
    left join customer_orders on customers.customer_id = customer_orders.customer_id
),

-- A birthday after as_of is no birthday.
measured as (
    select
        dated.*,
        case when dated.birthday <= {{ as_of() }} then {{ completed_years('dated.birthday', as_of()) }} end
            as age_years,
        coalesce(dated.days_to_order < 0, false) as has_negative_cycle
    from dated
),

final as (
    select
        cast(measured.customer_id as string) as customer_id,
        cast(measured.created_month_date as date) as cohort_month_date,
        cast(measured.manager_id as string) as manager_id,
        cast(measured.relationship_id as string) as relationship_id,
        cast(measured.province_id as string) as province_id,
        cast(coalesce(measured.gender, 'unknown') as string) as gender,
        cast(measured.age_years as integer) as age_years,
        cast(coalesce(age_bands.age_band, 'unknown') as string) as age_band,
        cast(measured.care_recency_days as bigint) as care_recency_days,
        cast(coalesce(recency_buckets.bucket, 'never') as string) as care_recency_bucket,
        cast(measured.last_contact_at as timestamp) as last_contact_at,
        cast(measured.first_order_date as date) as first_order_date,
        cast(coalesce(measured.orders, 0) as bigint) as orders,
        cast(coalesce(measured.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cast(coalesce(measured.revenue_amount, 0) as decimal(18, 2)) as revenue_amount,
        cast(coalesce(measured.collected_amount, 0) as decimal(18, 2)) as collected_amount,
        cast(case when not measured.has_negative_cycle then measured.days_to_order end as bigint)
            as days_to_first_order,
        cast(measured.has_negative_cycle as boolean) as has_negative_cycle,
        cast(measured.is_deleted as boolean) as is_deleted
    from measured
    left join age_bands
        on
            measured.age_years >= age_bands.from_years
            and (age_bands.to_years is null or measured.age_years < age_bands.to_years)
    left join recency_buckets
        on
            measured.care_recency_days >= recency_buckets.from_days
            and (recency_buckets.to_days is null or measured.care_recency_days < recency_buckets.to_days)
)

select * from final
