-- The figure people start from, and everything that explains, is the figure it is compared with; each comparison has one of both.
with final as (
    select
        topic,
        metric,
        month_date,
        employee_id,
        department_id,
        sum(case line_kind when 'figure_to' then 0 else value end) as explained,
        sum(case line_kind when 'figure_to' then value else 0 end) as figure_to
    from {{ ref('kpi_reconciliation') }}
    group by
        topic,
        metric,
        month_date,
        employee_id,
        department_id
    having
        sum(case line_kind when 'figure_to' then -value else value end) != 0
        or sum(case line_kind when 'figure_from' then 1 else 0 end) != 1
        or sum(case line_kind when 'figure_to' then 1 else 0 end) != 1
        or min(line_number) != 1
        or max(line_number) != count(*)
)

select * from final
