with grants as (
    select
        viewer_id,
        viewer_email,
        report,
        scope_rule,
        has_view_all
    from {{ ref('core_viewer_grants') }}
    where scope_rule in ('hierarchy', 'self')
),

employees as (
    select employee_id from {{ ref('core_employees') }}
),

places as (
    select
        employee_id,
        department_id,
        position_rank,
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

viewers as (
    select distinct viewer_id
    from grants
),

-- 1: oneself.
own_rows as (
    select
        viewer_id,
        viewer_id as employee_id,
        1 as reason_order,
        'self' as reason
    from viewers
),

-- 2: lower positions in one's own departments. No rank is the lowest; equals, and two without rank, are peers.
lower_ranks as (
    select
        seers.employee_id as viewer_id,
        seen.employee_id,
        2 as reason_order,
        'lower rank in ' || departments.department_name as reason
    from places as seers
    inner join viewers on seers.employee_id = viewers.viewer_id
    inner join places as seen on seers.department_id = seen.department_id
    inner join departments on seers.department_id = departments.department_id
    where
        seers.position_rank is not null
        and (seen.position_rank is null or seen.position_rank > seers.position_rank)
),

-- 3: heads see every member of every department below theirs.
below_heads as (
    select
        heads.employee_id as viewer_id,
        members.employee_id,
        3 as reason_order,
        'head of ' || departments.department_name || ' above ' || lower_departments.department_name as reason
    from places as heads
    inner join viewers on heads.employee_id = viewers.viewer_id
    inner join tree on heads.department_id = tree.ancestor_id
    inner join places as members on tree.descendant_id = members.department_id
    inner join departments on tree.ancestor_id = departments.department_id
    inner join departments as lower_departments on tree.descendant_id = lower_departments.department_id
    where heads.is_head
),

-- 4: everybody, those who left included, and the rows of nobody and of unknown people.
everyone as (
    select employee_id from employees
    union all
    select 'none' as employee_id
    union all
    select 'unknown' as employee_id
),

hierarchy as (
    select * from lower_ranks
    union all
    select * from below_heads
),

reasons as (
    select
        grants.viewer_id,
        grants.viewer_email,
        grants.report,
        own_rows.employee_id,
        own_rows.reason_order,
        own_rows.reason
    from grants
    inner join own_rows on grants.viewer_id = own_rows.viewer_id
    union all
    select
        grants.viewer_id,
        grants.viewer_email,
        grants.report,
        hierarchy.employee_id,
        hierarchy.reason_order,
        hierarchy.reason
    from grants
    inner join hierarchy on grants.viewer_id = hierarchy.viewer_id
    where grants.scope_rule = 'hierarchy'
    union all
    select
        grants.viewer_id,
        grants.viewer_email,
        grants.report,
        everyone.employee_id,
        4 as reason_order,
        'view_all' as reason
    from grants
    cross join everyone
    where grants.has_view_all
),

-- A person seen for several reasons is one row, with the first reason.
placed_reasons as (
    select
        *,
        row_number() over (
            partition by viewer_id, report, employee_id
            order by reason_order, reason
        ) as reason_place
    from reasons
),

final as (
    select
        viewer_id,
        viewer_email,
        report,
        employee_id,
        reason
    from placed_reasons
    where reason_place = 1
)

select * from final
