with employees as (
    select
        employee_id,
        lower(trim(email)) as email
    from {{ ref('core_employees') }}
    where
        is_active
        and not is_deleted
),

permissions as (
    select
        granted.employee_id,
        granted.report,
        granted.right
    from {{ ref('core_employee_permissions') }} as granted
    where not granted.is_deleted
),

rules as (
    select
        report,
        scope_rule
    from {{ ref('report_scope_rules') }}
),

-- An e-mail that two people share names neither of them: a viewer must never see another's rows.
viewers as (
    select
        employee_id,
        case when count(*) over (partition by email) = 1 then email end as email
    from employees
),

final as (
    select
        viewers.employee_id as viewer_id,
        viewers.email as viewer_email,
        permissions.report,
        rules.scope_rule,
        max(case when permissions.right = 'view_all' then 1 else 0 end) = 1 as has_view_all
    from viewers
    inner join permissions on viewers.employee_id = permissions.employee_id
    inner join rules on permissions.report = rules.report
    where permissions.right in ('access', 'view_all')
    group by viewers.employee_id, viewers.email, permissions.report, rules.scope_rule
)

select * from final
