{%- set touched -%}
select customer_id from {{ changes('core_customers') }}
union all
select customer_id from {{ changes('fct_relationship_stays') }}
{%- endset -%}
{#- Every stay here is open, and a day longer every night. -#}
{%- set daily = {
    'column': 'days_in_stage',
    'value': dbt.datediff('entered_date', day_of_build(), 'day'),
    'rows': 'true',
} -%}
{{ config(meta={'scope': {'column': 'customer_id', 'touched': touched}, 'daily': daily}) }}

with customers as (
    select * from {{ ref('core_customers') }}
    {{ in_scope('customer_id') }}
),

stays as (
    select * from {{ ref('fct_relationship_stays') }}
    {{ in_scope('customer_id') }}
),

final as (
    select
        cast(stays.customer_id as string) as customer_id,
        cast(customers.manager_id as string) as manager_id,
        cast(stays.relationship_id as string) as relationship_id,
        cast(customers.created_date as date) as created_date,
        cast(stays.entered_date as date) as entered_date,
        cast(stays.days_in_stage as bigint) as days_in_stage,
        cast(stays.stay_number as bigint) as stay_number
    from stays
    inner join customers on stays.customer_id = customers.customer_id
    where stays.is_open
)

select * from final
