with funnel as (
    select * from {{ ref('fct_funnel') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

lines as (
    select
        employees.employee_id,
        employees.department_id,
        case
            when employees.is_placeholder and employees.employee_id = 'none' then 'nobody'
            when employees.is_placeholder then 'unknown_employee'
            when employees.department_id = 'none' then 'no_department'
            else 'unknown_department'
        end as reconciliation_line
    from employees
    where employees.department_id in ('none', 'unknown')
),

totals as (
    select
        funnel.month_date,
        lines.department_id,
        lines.reconciliation_line,
        sum(funnel.new_customers) as new_customers,
        sum(funnel.interactions) as interactions,
        sum(funnel.activities) as activities,
        sum(funnel.orders) as orders,
        sum(funnel.sales_amount) as sales_amount,
        sum(funnel.revenue_amount) as revenue_amount,
        sum(funnel.collected_amount) as collected_amount
    from funnel
    inner join lines on funnel.employee_id = lines.employee_id
    group by
        funnel.month_date,
        lines.department_id,
        lines.reconciliation_line
),

final as (
    select
        cast(totals.month_date as date) as month_date,
        cast(totals.department_id as string) as department_id,
        cast(totals.reconciliation_line as string) as reconciliation_line,
        cast(totals.new_customers as bigint) as new_customers,
        cast(totals.interactions as bigint) as interactions,
        cast(totals.activities as bigint) as activities,
        cast(totals.orders as bigint) as orders,
        cast(totals.sales_amount as decimal(18, 2)) as sales_amount,
        cast(totals.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(totals.collected_amount as decimal(18, 2)) as collected_amount
    from totals
    where
        totals.new_customers != 0
        or totals.interactions != 0
        or totals.activities != 0
        or totals.orders != 0
        or totals.sales_amount != 0
        or totals.revenue_amount != 0
        or totals.collected_amount != 0
)

select * from final
