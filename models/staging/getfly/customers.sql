-- One row per account received that night, and per account that was announced as deleted.
select
    accounts.id as customer_id,
    text_of(accounts.body, '$.account_code') as customer_code,
    text_of(accounts.body, '$.account_name') as customer_name,
    reference_of(accounts.body, '$.account_manager') as manager_id,
    reference_of(accounts.body, '$.creator_id') as creator_id,
    reference_of(accounts.body, '$.relation_id') as relationship_id,
    ids_of(accounts.body, '$.account_source') as source_ids,
    ids_of(accounts.body, '$.industry') as industry_ids,
    reference_of(accounts.body, '$.province_id') as province_id,
    genders.value as gender,
    day_of(accounts.body, '$.birthday') as birthday,
    -- The number is often on the contact only.
    coalesce(
        text_of(accounts.body, '$.phone_office'),
        text_of(accounts.body, '$.contacts[0].phone_mobile'),
        text_of(accounts.body, '$.contacts[0].phone_home')
    ) as phone,
    text_of(accounts.body, '$.email') as email,
    moment_of(accounts.body, '$.created_at') as created_at,
    moment_of(accounts.body, '$.updated_at') as updated_at,
    moment_of(accounts.body, '$.last_active') as last_contact_at,
    accounts.deleted_at
from accounts
left join codes as genders
    on genders.domain = 'gender' and text_of(accounts.body, '$.gender') = genders.code
