{%- set columns = [
    'task_id',
    'task_name',
    'creator_id',
    'assignee_id',
    'project_id',
    'task_type_id',
    'customer_ids',
    'status',
    'created_at',
    'planned_start_at',
    'due_at',
    'done_at',
    'completed_at',
    'rating',
    'updated_at',
    'deleted_at'
] -%}

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

with versions as (
    {{ entity_history('tasks', columns, starts_at="created_at") | indent(4) }}
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
        versions.task_id,
        versions.task_name,
        {{ resolve_reference('versions.creator_id', 'creators.employee_id') }} as creator_id,
        {{ resolve_reference('versions.assignee_id', 'assignees.employee_id') }} as assignee_id,
        {{ resolve_reference('versions.project_id', 'projects.project_id') }} as project_id,
        {{ resolve_reference('versions.task_type_id', 'task_types.task_type_id') }} as task_type_id,
        versions.customer_ids,
        versions.status,
        versions.created_at,
        versions.planned_start_at,
        versions.due_at,
        versions.done_at,
        versions.completed_at,
        versions.rating,
        versions.updated_at,
        versions.is_deleted,
        versions.gone_at as deleted_at,
        versions.valid_from_at,
        versions.valid_to_at,
        versions.is_current
    from versions
    left join employees as creators on versions.creator_id = creators.employee_id
    left join employees as assignees on versions.assignee_id = assignees.employee_id
    left join projects on versions.project_id = projects.project_id
    left join task_types on versions.task_type_id = task_types.task_type_id
)

select * from final
