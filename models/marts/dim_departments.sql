with departments as (
    select * from {{ ref('core_departments') }}
),

tree as (
    select * from {{ ref('core_department_tree') }}
),

ancestors as (
    select
        tree.descendant_id as department_id,
        tree.depth as steps_up,
        departments.department_name
    from tree
    inner join departments on tree.ancestor_id = departments.department_id
),

paths as (
    select
        ancestors.department_id,
        {{ dbt.listagg("ancestors.department_name", "' / '", "order by ancestors.steps_up desc") }} as department_path,
        max(ancestors.steps_up) as depth
    from ancestors
    group by ancestors.department_id
),

placeholders as (
    {{ placeholder_members() }}
),

members as (
    select
        departments.department_id,
        departments.department_name,
        departments.parent_department_id,
        coalesce(paths.department_path, departments.department_name) as department_path,
        coalesce(paths.depth, 0) as depth,
        false as is_placeholder
    from departments
    left join paths on departments.department_id = paths.department_id
    union all
    select
        placeholders.member_id as department_id,
        placeholders.member_name as department_name,
        'none' as parent_department_id,
        placeholders.member_name as department_path,
        0 as depth,
        true as is_placeholder
    from placeholders
),

final as (
    select
        cast(members.department_id as string) as department_id,
        cast(members.department_name as string) as department_name,
        cast(members.parent_department_id as string) as parent_department_id,
        cast(members.department_path as string) as department_path,
        cast(members.depth as integer) as depth,
        cast(members.is_placeholder as boolean) as is_placeholder
    from members
)

select * from final
