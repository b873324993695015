with final as (
    select
        kpi_journey_time.manager_id,
        kpi_journey_time.relationship_id,
        kpi_journey_time.customers,
        kpi_journey_time.total_open_days,
        kpi_journey_time.mean_open_days,
        kpi_journey_time.median_open_days,
        kpi_journey_time.closed_stays,
        kpi_journey_time.total_closed_days,
        kpi_journey_time.mean_closed_days,
        kpi_journey_time.median_closed_days,
        kpi_journey_time.moves_in,
        kpi_journey_time.moves_out,
        kpi_journey_time.moves_forward,
        kpi_journey_time.moves_backward,
        kpi_journey_time.moves_unordered,
        kpi_journey_time.moves_skipping
    from {{ in_this_database(ref('kpi_journey_time')) }} as kpi_journey_time
    where {{ in_viewer_scope('kpi_journey_time.manager_id', ['employee', 'customer']) }}
)

select * from final
