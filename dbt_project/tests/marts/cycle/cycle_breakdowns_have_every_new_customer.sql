-- For every window and result, all and the relationships have each live customer created in the window once, and the sources at least once.
with customers as (
    select
        windows.window_days,
        count(*) as customers
    from {{ ref('cycle_windows') }} as windows
    inner join {{ ref('dim_customers') }} as customers on {{ in_trailing_window('customers.created_date', 'windows.window_days') }}
    where not customers.is_deleted
    group by windows.window_days
),

totals as (
    select
        window_days,
        result_type,
        result_id,
        sum(case when breakdown = 'all' then customers else 0 end) as in_all,
        sum(case when breakdown = 'relationship' then customers else 0 end) as in_relationships,
        sum(case when breakdown = 'source' then customers else 0 end) as in_sources,
        sum(case when breakdown = 'all' then total_days else 0 end) as days_of_all,
        sum(case when breakdown = 'relationship' then total_days else 0 end) as days_of_relationships
    from {{ ref('kpi_customer_cycle') }}
    group by
        window_days,
        result_type,
        result_id
),

final as (
    select
        totals.*,
        customers.customers
    from totals
    left join customers on totals.window_days = customers.window_days
    where
        totals.in_all is distinct from customers.customers
        or totals.in_relationships is distinct from customers.customers
        or totals.in_sources < totals.in_all
        or totals.days_of_relationships != totals.days_of_all
)

select * from final
