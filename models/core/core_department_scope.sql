with grants as (
    select
        viewer_id,
        viewer_email,
        report,
        scope_rule,
        has_view_all
    from {{ ref('core_viewer_grants') }}
    where scope_rule in ('department', 'own_department')
),

places as (
    select
        employee_id,
        department_id,
        is_head
    from {{ ref('core_employee_departments') }}
),

departments as (
    select
        department_id,
        department_name
    from {{ ref('core_departments') }}
),

tree as (
    select
        ancestor_id,
        descendant_id
    from {{ ref('core_department_tree') }}
    where depth > 0
),

own_departments as (
    select
        employee_id as viewer_id,
        department_id,
        1 as reason_order,
        'own department' as reason
    from places
),

lower_departments as (
    select
        places.employee_id as viewer_id,
        tree.descendant_id as department_id,
        2 as reason_order,
        'head of ' || departments.department_name || ' above' as reason
    from places
    inner join tree on places.department_id = tree.ancestor_id
    inner join departments on tree.ancestor_id = departments.department_id
    where places.is_head
),

every_department as (
    select department_id from departments
    union all
    select 'none' as department_id
    union all
    select 'unknown' as department_id
),

hierarchy as (
    select * from own_departments
    union all
    select * from lower_departments
),

reasons as (
    select
        grants.viewer_id,
        grants.viewer_email,
        grants.report,
        hierarchy.department_id,
        hierarchy.reason_order,
        hierarchy.reason
    from grants
    inner join hierarchy on grants.viewer_id = hierarchy.viewer_id
    -- With the narrower rule a head sees what every member sees.
    where
        grants.scope_rule = 'department'
        or hierarchy.reason_order = 1
    union all
    select
        grants.viewer_id,
        grants.viewer_email,
        grants.report,
        every_department.department_id,
        3 as reason_order,
        'view_all' as reason
    from grants
    cross join every_department
    where grants.has_view_all
),

-- A department seen for several reasons is one row, with the first reason.
placed_reasons as (
    select
        *,
        row_number() over (
            partition by viewer_id, report, department_id
            order by reason_order, reason
        ) as reason_place
    from reasons
),

final as (
    select
        viewer_id,
        viewer_email,
        report,
        department_id,
        reason
    from placed_reasons
    where reason_place = 1
)

select * from final
