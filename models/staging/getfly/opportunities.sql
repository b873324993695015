-- One row per opportunity. Stages belong to their campaign; expected amounts and products are not in the API.
with stages as (
    select
        id as campaign_id,
        unnest(rows_in(json_extract(body, '$.opportunity_status'))) as stage
    from campaigns_now
)

select
    opportunities_now.id as opportunity_id,
    reference_of(opportunities_now.body, '$.campaign_id') as campaign_id,
    reference_of(opportunities_now.body, '$.account_id') as customer_id,
    reference_of(opportunities_now.body, '$.recipient') as owner_id,
    text_of(opportunities_now.body, '$.opportunity_status_name') as stage_name,
    text_of(stages.stage, '$.order') as stage_order,
    coalesce(
        by_code.value, by_label.value, unmapped(opportunities_now.body, '$.status', '$.status_label')
    ) as status,
    moment_of(opportunities_now.body, '$.created_at') as created_at,
    moment_of(opportunities_now.body, '$.updated_at') as updated_at
from opportunities_now
left join stages
    on
        reference_of(opportunities_now.body, '$.campaign_id') = stages.campaign_id
        and reference_of(opportunities_now.body, '$.opportunity_status') = reference_of(stages.stage, '$.status_id')
left join codes as by_code
    on by_code.domain = 'opportunity_status' and text_of(opportunities_now.body, '$.status') = by_code.code
left join codes as by_label
    on
        by_label.domain = 'opportunity_status'
        and text_of(opportunities_now.body, '$.status_label') = by_label.label
