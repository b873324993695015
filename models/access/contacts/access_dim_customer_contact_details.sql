with final as (
    select
        dim_customer_contact_details.customer_id,
        dim_customer_contact_details.manager_id,
        dim_customer_contact_details.phone,
        dim_customer_contact_details.email
    from {{ in_this_database(ref('dim_customer_contact_details')) }} as dim_customer_contact_details
    where {{ in_viewer_scope('dim_customer_contact_details.manager_id', ['employee', 'customer']) }}
)

select * from final
