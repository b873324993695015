-- One row per campaign.
select
    id as campaign_id,
    text_of(body, '$.campaign_name') as campaign_name
from campaigns_now
