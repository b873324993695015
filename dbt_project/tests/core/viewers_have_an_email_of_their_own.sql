-- Two people at work with the same e-mail: neither of them sees anything until the CRM tells them apart.
{{ config(severity='warn') }}

select
    lower(trim(email)) as email,
    count(*) as employees,
    min(employee_id) as first_employee_id,
    max(employee_id) as last_employee_id
from {{ ref('core_employees') }}
where
    is_active
    and not is_deleted
    and email is not null
group by lower(trim(email))
having count(*) > 1
