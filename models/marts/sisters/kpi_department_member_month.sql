with funnel as (
    select * from {{ ref('fct_funnel') }}
),

employees as (
    select * from {{ ref('dim_employees') }}
),

members as (
    select
        funnel.month_date,
        employees.department_id,
        funnel.employee_id,
        funnel.new_customers,
        funnel.customers_in_charge,
        funnel.customers_in_charge_current,
        funnel.interactions,
        funnel.activities,
        funnel.orders,
        funnel.sales_amount,
        funnel.revenue_amount,
        funnel.collected_amount
    from funnel
    inner join employees on funnel.employee_id = employees.employee_id
    where
        funnel.new_customers != 0
        or funnel.customers_in_charge != 0
        or funnel.customers_in_charge_current != 0
        or funnel.interactions != 0
        or funnel.activities != 0
        or funnel.orders != 0
        or funnel.sales_amount != 0
        or funnel.revenue_amount != 0
        or funnel.collected_amount != 0
),

compared as (
    select
        members.*,
        sum(members.revenue_amount) over (partition by members.month_date, members.department_id) as department_revenue_amount,
        rank() over (
            partition by members.month_date, members.department_id order by members.revenue_amount desc
        ) as revenue_rank
    from members
),

-- A department with no more sold than returned has no whole to share.
final as (
    select
        cast(compared.month_date as date) as month_date,
        cast(compared.department_id as string) as department_id,
        cast(compared.employee_id as string) as employee_id,
        cast(compared.new_customers as bigint) as new_customers,
        cast(compared.customers_in_charge as bigint) as customers_in_charge,
        cast(compared.customers_in_charge_current as bigint) as customers_in_charge_current,
        cast(compared.interactions as bigint) as interactions,
        cast(compared.activities as bigint) as activities,
        cast(compared.orders as bigint) as orders,
        cast(compared.sales_amount as decimal(18, 2)) as sales_amount,
        cast(compared.revenue_amount as decimal(18, 2)) as revenue_amount,
        cast(compared.collected_amount as decimal(18, 2)) as collected_amount,
        cast(compared.department_revenue_amount as decimal(18, 2)) as department_revenue_amount,
        case
            when compared.department_revenue_amount > 0
                then {{ ratio('compared.revenue_amount', 'compared.department_revenue_amount') }}
        end as revenue_share_rate,
        cast(compared.revenue_rank as bigint) as revenue_rank
    from compared
)

select * from final
