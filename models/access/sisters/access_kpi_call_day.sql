with final as (
    select
        kpi_call_day.occurred_date,
        kpi_call_day.employee_id,
        kpi_call_day.calls,
        kpi_call_day.calls_outbound,
        kpi_call_day.calls_inbound,
        kpi_call_day.calls_connected,
        kpi_call_day.calls_missed,
        kpi_call_day.calls_failed,
        kpi_call_day.talk_seconds,
        kpi_call_day.connected_rate
    from {{ in_this_database(ref('kpi_call_day')) }} as kpi_call_day
    where {{ in_viewer_scope('kpi_call_day.employee_id', ['employee', 'telesales']) }}
)

select * from final
