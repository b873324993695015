with final as (
    select
        fct_customer_persons.person_key,
        fct_customer_persons.customer_id,
        fct_customer_persons.contact_id,
        fct_customer_persons.manager_id,
        fct_customer_persons.person_type,
        fct_customer_persons.age_years,
        fct_customer_persons.age_band,
        fct_customer_persons.person_count,
        fct_customer_persons.persons,
        fct_customer_persons.customers_split,
        fct_customer_persons.revenue_amount,
        fct_customer_persons.revenue_split_amount
    from {{ in_this_database(ref('fct_customer_persons')) }} as fct_customer_persons
    where {{ in_viewer_scope('fct_customer_persons.manager_id', ['employee', 'customer']) }}
)

select * from final
