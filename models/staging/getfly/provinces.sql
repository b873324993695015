-- One row per province that some customer has: the API lists none.
with carried as (
    select
        reference_of(body, '$.province_id') as province_id,
        text_of(body, '$.province_detail.label') as province_name
    from accounts_now
)

select
    province_id,
    coalesce(max(province_name), province_id) as province_name
from carried
where province_id is not null
group by province_id
