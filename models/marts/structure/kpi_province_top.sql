with structure as (
    select * from {{ ref('kpi_customer_structure') }}
),

provinces as (
    select * from {{ ref('dim_provinces') }}
),

province_customers as (
    select
        structure.manager_id,
        structure.member_id as province_id,
        structure.customers,
        provinces.province_name,
        provinces.is_placeholder
    from structure
    inner join provinces on structure.member_id = provinces.province_id
    where structure.dimension = 'province'
),

-- A placeholder is no province and takes no rank.
ranked as (
    select
        province_customers.manager_id,
        province_customers.province_id,
        province_customers.province_name,
        province_customers.customers,
        province_customers.is_placeholder,
        row_number() over (
            partition by province_customers.manager_id, province_customers.is_placeholder
            order by province_customers.customers desc, province_customers.province_name asc, province_customers.province_id asc
        ) as province_rank
    from province_customers
),

placed as (
    select
        ranked.manager_id,
        ranked.customers,
        case when ranked.is_placeholder then 0 else 1 end as provinces,
        case
            when ranked.is_placeholder and ranked.province_id = 'none' then 7
            when ranked.is_placeholder then 8
            when ranked.province_rank <= 5 then ranked.province_rank
            else 6
        end as sort_order,
        case
            when ranked.is_placeholder then ranked.province_id
            when ranked.province_rank <= 5 then 'province'
            else 'other'
        end as row_type,
        case when ranked.is_placeholder or ranked.province_rank <= 5 then ranked.province_id end as province_id,
        case
            when ranked.is_placeholder or ranked.province_rank <= 5 then ranked.province_name
            else '(other)'
        end as province_name
    from ranked
),

final as (
    select
        cast(placed.manager_id as string) as manager_id,
        cast(placed.sort_order as integer) as sort_order,
        cast(placed.row_type as string) as row_type,
        cast(placed.province_id as string) as province_id,
        cast(placed.province_name as string) as province_name,
        cast(sum(placed.provinces) as bigint) as provinces,
        cast(sum(placed.customers) as bigint) as customers
    from placed
    group by
        placed.manager_id,
        placed.sort_order,
        placed.row_type,
        placed.province_id,
        placed.province_name
)

select * from final
