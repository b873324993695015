with final as (
    select
        fct_customer_owners.customer_id,
        fct_customer_owners.owner_number,
        fct_customer_owners.manager_id,
        fct_customer_owners.previous_manager_id,
        fct_customer_owners.valid_from_at,
        fct_customer_owners.valid_from_date,
        fct_customer_owners.month_date,
        fct_customer_owners.valid_to_at,
        fct_customer_owners.valid_to_date,
        fct_customer_owners.start_reason,
        fct_customer_owners.assignments,
        fct_customer_owners.is_first_owner,
        fct_customer_owners.is_open,
        fct_customer_owners.is_inferred_start
    from {{ in_this_database(ref('fct_customer_owners')) }} as fct_customer_owners
    where {{ in_viewer_scope('fct_customer_owners.manager_id', ['employee', 'customer']) }}
)

select * from final
