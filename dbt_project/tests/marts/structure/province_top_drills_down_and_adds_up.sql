-- A ranked province has its customers, 'other' those of the provinces without a row of their own, and all rows together all live customers.
with top_rows as (
    select
        manager_id,
        sort_order,
        province_id,
        provinces,
        customers
    from {{ ref('kpi_province_top') }}
),

customer_provinces as (
    select
        manager_id,
        province_id,
        count(*) as customers
    from {{ ref('dim_customer_cohort') }}
    where not is_deleted
    group by
        manager_id,
        province_id
),

placed as (
    select
        customer_provinces.manager_id,
        customer_provinces.customers,
        coalesce(top_rows.sort_order, 6) as sort_order
    from customer_provinces
    left join top_rows
        on
            customer_provinces.manager_id = top_rows.manager_id
            and customer_provinces.province_id = top_rows.province_id
),

details as (
    select
        manager_id,
        sort_order,
        case when sort_order <= 6 then count(*) else 0 end as provinces,
        sum(customers) as customers
    from placed
    group by
        manager_id,
        sort_order
),

different_figures as (
    select
        coalesce(top_rows.manager_id, details.manager_id) as manager_id,
        coalesce(top_rows.sort_order, details.sort_order) as sort_order
    from top_rows
    full outer join details
        on
            top_rows.manager_id = details.manager_id
            and top_rows.sort_order = details.sort_order
    where
        coalesce(top_rows.customers, 0) != coalesce(details.customers, 0)
        or coalesce(top_rows.provinces, 0) != coalesce(details.provinces, 0)
),

-- A rank has at least as many customers as the next, and the fifth as many as any province among the others.
wrong_order as (
    select
        higher.manager_id,
        higher.sort_order
    from top_rows as higher
    inner join top_rows as lower
        on
            higher.manager_id = lower.manager_id
            and higher.sort_order = lower.sort_order - 1
    where
        lower.sort_order <= 5
        and higher.customers < lower.customers
    union all
    select
        top_rows.manager_id,
        top_rows.sort_order
    from top_rows
    inner join placed
        on
            top_rows.manager_id = placed.manager_id
            and placed.sort_order = 6
    where
        top_rows.sort_order = 5
        and top_rows.customers < placed.customers
),

final as (
    select * from different_figures
    union all
    select * from wrong_order
)

select * from final
