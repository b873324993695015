-- Per month of creation, history-true new customers are the current ones and those deleted since; owners only share them differently.
with funnel as (
    select
        month_date,
        sum(new_customers) as new_customers,
        sum(new_customers_current) as new_customers_current
    from {{ ref('fct_funnel') }}
    group by month_date
),

deleted as (
    select
        created_month_date as month_date,
        count(*) as customers
    from {{ ref('core_customers') }}
    where is_deleted
    group by created_month_date
),

final as (
    select
        coalesce(funnel.month_date, deleted.month_date) as month_date,
        funnel.new_customers,
        funnel.new_customers_current,
        deleted.customers as deleted_customers
    from funnel
    full outer join deleted on funnel.month_date = deleted.month_date
    where
        coalesce(funnel.new_customers, 0)
        != coalesce(funnel.new_customers_current, 0) + coalesce(deleted.customers, 0)
)

select * from final
