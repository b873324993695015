-- Departments that are above themselves: they count as top departments until the CRM is put right.
{{ config(severity='warn') }}

with departments as (
    select
        department_id,
        parent_department_id
    from {{ ref('core_departments') }}
    where not is_deleted
),

tree as (
    select
        descendant_id,
        max(depth) as depth
    from {{ ref('core_department_tree') }}
    group by descendant_id
)

select
    departments.department_id,
    departments.parent_department_id
from departments
inner join tree on departments.department_id = tree.descendant_id
inner join departments as parents on departments.parent_department_id = parents.department_id
where tree.depth = 0
