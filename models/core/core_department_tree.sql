with recursive departments as (
    select
        department_id,
        parent_department_id
    from {{ ref('core_departments') }}
    where not is_deleted
),

-- A parent that is not there, or is deleted, is no parent.
edges as (
    select
        departments.department_id,
        departments.parent_department_id
    from departments
    inner join departments as parents on departments.parent_department_id = parents.department_id
),

-- Everything above a department, each once: the way ends where a circle closes.
ancestry as (
    select
        department_id,
        parent_department_id as ancestor_id,
        chr(31) || parent_department_id || chr(31) as visited
    from edges
    union all
    select
        ancestry.department_id,
        edges.parent_department_id as ancestor_id,
        ancestry.visited || edges.parent_department_id || chr(31) as visited
    from ancestry
    inner join edges on ancestry.ancestor_id = edges.department_id
    where instr(ancestry.visited, chr(31) || edges.parent_department_id || chr(31)) = 0
),

circular as (
    select department_id
    from ancestry
    where department_id = ancestor_id
),

-- A department in a circle has no parent: nobody gains sight of others by a mistake in the tree.
sound_edges as (
    select
        edges.department_id,
        edges.parent_department_id
    from edges
    left join circular on edges.department_id = circular.department_id
    where circular.department_id is null
),

tree as (
    select
        department_id as ancestor_id,
        department_id as descendant_id,
        0 as depth
    from departments
    union all
    select
        tree.ancestor_id,
        sound_edges.department_id as descendant_id,
        tree.depth + 1 as depth
    from tree
    inner join sound_edges on tree.descendant_id = sound_edges.parent_department_id
),

final as (
    select
        ancestor_id,
        descendant_id,
        depth
    from tree
)

select * from final
