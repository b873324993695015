-- A rule for a task type that the CRM does not have matches nothing. It stops nothing: the type may come with a later night.
{{ config(severity='warn') }}

with rules as (
    select
        event,
        task_type
    from {{ ref('last_contact_rules') }}
    where task_type <> '*'
),

task_types as (
    select
        task_type_id,
        task_type_name
    from {{ ref('core_task_types') }}
),

final as (
    select
        rules.event,
        rules.task_type,
        'no task type of the CRM has the id or the name ' || rules.task_type || ': write one that is in task_types' as problem
    from rules
    left join task_types
        on
            rules.task_type = task_types.task_type_id
            or rules.task_type = task_types.task_type_name
    where task_types.task_type_id is null
)

select * from final
