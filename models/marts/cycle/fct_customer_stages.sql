{#- Built whole: its days move on every night, and no later table asks what changed in it. -#}
{{ config(materialized='table') }}

with customers as (
    select * from {{ ref('core_customers') }}
),

stays as (
    select * from {{ ref('fct_relationship_stays') }}
),

final as (
    select
        cast(stays.customer_id as varchar) as customer_id,
        cast(customers.manager_id as varchar) as manager_id,
        cast(stays.relationship_id as varchar) as relationship_id,
        cast(customers.created_date as date) as created_date,
        cast(stays.entered_date as date) as entered_date,
        cast(stays.days_in_stage as bigint) as days_in_stage,
        cast(stays.stay_number as bigint) as stay_number
    from stays
    inner join customers on stays.customer_id = customers.customer_id
    where stays.is_open
)

select * from final
