with final as (
    select
        fct_opportunities.opportunity_id,
        fct_opportunities.campaign_id,
        fct_opportunities.customer_id,
        fct_opportunities.owner_id,
        fct_opportunities.product_id,
        fct_opportunities.approach_method,
        fct_opportunities.stage_name,
        fct_opportunities.stage_order,
        fct_opportunities.status,
        fct_opportunities.is_open,
        fct_opportunities.is_won,
        fct_opportunities.is_lost,
        fct_opportunities.created_at,
        fct_opportunities.created_date,
        fct_opportunities.month_date,
        fct_opportunities.closed_at,
        fct_opportunities.closed_date,
        fct_opportunities.closed_month_date,
        fct_opportunities.days_to_close,
        fct_opportunities.has_negative_days_to_close,
        fct_opportunities.expected_amount
    from {{ in_this_database(ref('fct_opportunities')) }} as fct_opportunities
    where {{ in_viewer_scope('fct_opportunities.owner_id', ['employee', 'campaign']) }}
)

select * from final
