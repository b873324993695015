with final as (
    select
        kpi_interactions_by_type.month_date,
        kpi_interactions_by_type.employee_id,
        kpi_interactions_by_type.interaction_type,
        kpi_interactions_by_type.interactions,
        kpi_interactions_by_type.interactions_logged,
        kpi_interactions_by_type.interacted_customers
    from {{ in_this_database(ref('kpi_interactions_by_type')) }} as kpi_interactions_by_type
    where {{ in_viewer_scope('kpi_interactions_by_type.employee_id', ['employee']) }}
)

select * from final
