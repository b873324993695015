-- One row per customer source; disabled ones stay, because old customers still have them.
select
    id as source_id,
    text_of(body, '$.source_name') as source_name,
    reference_of(body, '$.parent_id') as parent_source_id
from account_sources_now
