-- One row per contact inside an account. Where the API gives it no id, it is the account's id and the place in its list.
with listed as (
    select
        id as customer_id,
        body as account,
        rows_in(json_extract(body, '$.contacts')) as contacts
    from accounts_now
),

numbered as (
    select
        customer_id,
        account,
        contacts[place] as contact,
        place
    from listed, unnest(range(1, len(contacts) + 1)) as places (place)
)

select
    coalesce(
        reference_of(numbered.contact, '$.id'),
        reference_of(numbered.contact, '$.contact_id'),
        numbered.customer_id || '/' || numbered.place
    ) as contact_id,
    numbered.customer_id,
    nullif(
        concat_ws(' ', text_of(numbered.contact, '$.last_name'), text_of(numbered.contact, '$.first_name')), ''
    ) as full_name,
    genders.value as gender,
    day_of(numbered.contact, '$.birthdate') as birthday,
    flag_of(numbered.contact, '$.is_primary') as is_primary,
    moment_of(numbered.account, '$.updated_at') as updated_at
from numbered
left join codes as genders
    on genders.domain = 'gender' and text_of(numbered.contact, '$.gender_id') = genders.code
