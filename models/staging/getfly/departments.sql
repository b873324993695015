-- One row per department that some user carries. The API lists none, and says nothing of their tree or their heads.
with users as (
    select body from users_active_now
    union all
    select body from users_inactive_now
),

carried as (
    select
        reference_of(body, '$.dept_id') as department_id,
        text_of(body, '$.dept_name') as department_name
    from users
)

select
    department_id,
    coalesce(max(department_name), department_id) as department_name
from carried
where department_id is not null
group by department_id
