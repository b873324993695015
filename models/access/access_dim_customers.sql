with final as (
    select
        dim_customers.customer_id,
        dim_customers.customer_code,
        dim_customers.customer_name,
        dim_customers.manager_id,
        dim_customers.creator_id,
        dim_customers.relationship_id,
        dim_customers.relationship_name,
        dim_customers.relationship_order,
        dim_customers.province_id,
        dim_customers.province_name,
        dim_customers.gender,
        dim_customers.birthday,
        dim_customers.created_at,
        dim_customers.created_date,
        dim_customers.created_month_date,
        dim_customers.is_deleted,
        dim_customers.deleted_at,
        dim_customers.is_placeholder
    from {{ in_this_database(ref('dim_customers')) }} as dim_customers
    where {{ in_viewer_scope('dim_customers.manager_id', ['employee', 'customer']) }}
)

select * from final
