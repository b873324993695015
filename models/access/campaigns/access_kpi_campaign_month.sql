with final as (
    select
        kpi_campaign_month.month_date,
        kpi_campaign_month.campaign_id,
        kpi_campaign_month.owner_id,
        kpi_campaign_month.approach_method,
        kpi_campaign_month.opportunities,
        kpi_campaign_month.opportunities_open,
        kpi_campaign_month.opportunities_won,
        kpi_campaign_month.opportunities_lost,
        kpi_campaign_month.opportunities_closed,
        kpi_campaign_month.expected_amount,
        kpi_campaign_month.won_amount,
        kpi_campaign_month.won_of_closed_rate,
        kpi_campaign_month.won_of_all_rate
    from {{ in_this_database(ref('kpi_campaign_month')) }} as kpi_campaign_month
    where {{ in_viewer_scope('kpi_campaign_month.owner_id', ['employee', 'campaign']) }}
)

select * from final
