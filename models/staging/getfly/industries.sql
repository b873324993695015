-- One row per industry that some customer has: no path of the API is known to list them.
with labels as (
    select unnest(rows_in(json_extract(body, '$.industry_details'))) as label from accounts_now
),

carried as (
    select
        reference_of(label, '$.id') as industry_id,
        text_of(label, '$.label') as industry_name
    from labels
)

select
    industry_id,
    coalesce(max(industry_name), industry_id) as industry_name
from carried
where industry_id is not null
group by industry_id
