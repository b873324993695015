with final as (
    select
        kpi_province_top.manager_id,
        kpi_province_top.sort_order,
        kpi_province_top.row_type,
        kpi_province_top.province_id,
        kpi_province_top.province_name,
        kpi_province_top.provinces,
        kpi_province_top.customers
    from {{ in_this_database(ref('kpi_province_top')) }} as kpi_province_top
    where {{ in_viewer_scope('kpi_province_top.manager_id', ['employee', 'customer']) }}
)

select * from final
