-- One row per project that some task has: the API's page of projects is not known.
with carried as (
    select
        reference_of(body, '$.project_id') as project_id,
        text_of(body, '$.project_name') as project_name
    from tasks_now
)

select
    project_id,
    coalesce(max(project_name), project_id) as project_name
from carried
where project_id is not null
group by project_id
