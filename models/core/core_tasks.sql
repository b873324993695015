{%- set touched -%}
{{ changed_records('tasks') }}
union all
{{ became_known('tasks', 'creator_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('tasks', 'assignee_id', 'core_employees', 'employee_id') }}
union all
{{ became_known('tasks', 'project_id', 'core_projects', 'project_id') }}
union all
{{ became_known('tasks', 'task_type_id', 'core_task_types', 'task_type_id') }}
{%- endset -%}
{{ config(meta={'scope': {'column': 'task_id', 'touched': touched}}) }}

with current_rows as (
    {{ current_version('tasks', has_updated_at=true, has_deleted_at=true) | indent(4) }}
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

projects as (
    select project_id from {{ ref('core_projects') }}
),

task_types as (
    select task_type_id from {{ ref('core_task_types') }}
),

final as (
    select
        current_rows.task_id,
        current_rows.task_name,
        {{ resolve_reference('current_rows.creator_id', 'creators.employee_id') }} as creator_id,
        {{ resolve_reference('current_rows.assignee_id', 'assignees.employee_id') }} as assignee_id,
        {{ resolve_reference('current_rows.project_id', 'projects.project_id') }} as project_id,
        {{ resolve_reference('current_rows.task_type_id', 'task_types.task_type_id') }} as task_type_id,
        current_rows.customer_ids,
        current_rows.status,
        current_rows.created_at,
        current_rows.planned_start_at,
        current_rows.due_at,
        current_rows.done_at,
        current_rows.completed_at,
        current_rows.rating,
        current_rows.updated_at,
        current_rows.is_deleted,
        current_rows.gone_at as deleted_at,
        current_rows.first_batch_id as _batch_id,
        current_rows.first_row_number as _row_number
    from current_rows
    left join employees as creators on current_rows.creator_id = creators.employee_id
    left join employees as assignees on current_rows.assignee_id = assignees.employee_id
    left join projects on current_rows.project_id = projects.project_id
    left join task_types on current_rows.task_type_id = task_types.task_type_id
)

select * from final
