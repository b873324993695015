-- One row per task. When a task was done or confirmed is in no field of the API; the warehouse sees the night its status
-- changed. A status that is in no code map keeps its code and title, and the contract sets the row aside.
select
    tasks_now.id as task_id,
    text_of(tasks_now.body, '$.task_name') as task_name,
    reference_of(tasks_now.body, '$.task_creator') as creator_id,
    reference_of(tasks_now.body, '$.task_receiver') as assignee_id,
    reference_of(tasks_now.body, '$.project_id') as project_id,
    array_to_string(
        list_transform(
            rows_in(json_extract(tasks_now.body, '$.task_accounts')), lambda one: reference_of(one, '$.account_id')
        ),
        ';'
    ) as customer_ids,
    coalesce(
        by_code.value, by_label.value, unmapped(tasks_now.body, '$.task_status', '$.task_status_title')
    ) as status,
    -- Where the tenant does not give the time of creation, the planned start is the nearest there is.
    coalesce(
        moment_of(tasks_now.body, '$.created_at'), moment_of(tasks_now.body, '$.task_start_date')
    ) as created_at,
    moment_of(tasks_now.body, '$.task_end_date') as due_at,
    moment_of(tasks_now.body, '$.updated_at') as updated_at
from tasks_now
left join codes as by_code
    on by_code.domain = 'task_status' and text_of(tasks_now.body, '$.task_status') = by_code.code
left join codes as by_label
    on by_label.domain = 'task_status' and text_of(tasks_now.body, '$.task_status_title') = by_label.label
