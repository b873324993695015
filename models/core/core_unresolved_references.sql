{#- Every reference of the contract, and the two values of a change, which point at what their field names. -#}
{%- set references = [
    ('departments', 'parent_department_id'),
    ('employees', 'department_id'),
    ('department_memberships', 'employee_id'),
    ('department_memberships', 'department_id'),
    ('employee_permissions', 'employee_id'),
    ('sources', 'parent_source_id'),
    ('customers', 'manager_id'),
    ('customers', 'creator_id'),
    ('customers', 'relationship_id'),
    ('customers', 'province_id'),
    ('contacts', 'customer_id'),
    ('customer_changes', 'customer_id'),
    ('customer_changes', 'changed_by'),
    ('tasks', 'creator_id'),
    ('tasks', 'assignee_id'),
    ('tasks', 'project_id'),
    ('tasks', 'task_type_id'),
    ('interactions', 'customer_id'),
    ('interactions', 'employee_id'),
    ('product_categories', 'parent_category_id'),
    ('products', 'category_id'),
    ('orders', 'customer_id'),
    ('orders', 'executor_id'),
    ('orders', 'creator_id'),
    ('order_lines', 'order_id'),
    ('order_lines', 'product_id'),
    ('payments', 'order_id'),
    ('opportunities', 'campaign_id'),
    ('opportunities', 'customer_id'),
    ('opportunities', 'owner_id'),
    ('opportunities', 'product_id'),
    ('kpi_targets', 'employee_id'),
    ('kpi_targets', 'department_id'),
    ('customer_changes', 'old_value'),
    ('customer_changes', 'new_value')
] -%}
{%- set list_references = [
    ('customers', 'customer_id', 'source_ids', 'sources', 'source_id'),
    ('customers', 'customer_id', 'industry_ids', 'industries', 'industry_id'),
    ('tasks', 'task_id', 'customer_ids', 'customers', 'customer_id')
] -%}

-- Core says which rows point at nothing; the landed row says at what.
with unresolved as (
    {%- for entity, column in references %}
    select
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        given.{{ column }} as given_value
    from {{ ref('core_' ~ entity) }} as resolved
    inner join {{ ref('stg_contract__' ~ entity) }} as given
        on
            resolved._batch_id = given._batch_id
            and resolved._row_number = given._row_number
    where
        resolved.{{ column }} = 'unknown'
        and not resolved.is_deleted
    union all
    {%- endfor %}
    {%- for entity, key, column, target, target_key in list_references %}
    select
        '{{ entity }}' as entity,
        '{{ column }}' as column_name,
        min(members.member_id) as given_value
    from ({{ unnested(ref('core_' ~ entity), key ~ ', is_deleted', column, 'member_id') }}) as members
    left join {{ ref('core_' ~ target) }} as targets on members.member_id = targets.{{ target_key }}
    where
        members.member_id is not null
        and targets.{{ target_key }} is null
        and not members.is_deleted
    group by members.{{ key }}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
),

final as (
    select
        entity,
        column_name,
        count(*) as rows,
        min(given_value) as example_value
    from unresolved
    group by entity, column_name
)

select * from final
