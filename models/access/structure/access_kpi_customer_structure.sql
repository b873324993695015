with final as (
    select
        kpi_customer_structure.manager_id,
        kpi_customer_structure.dimension,
        kpi_customer_structure.member_id,
        kpi_customer_structure.customers,
        kpi_customer_structure.customers_split,
        kpi_customer_structure.persons,
        kpi_customer_structure.revenue_amount,
        kpi_customer_structure.revenue_split_amount
    from {{ in_this_database(ref('kpi_customer_structure')) }} as kpi_customer_structure
    where {{ in_viewer_scope('kpi_customer_structure.manager_id', ['employee', 'customer']) }}
)

select * from final
