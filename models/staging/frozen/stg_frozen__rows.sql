with frozen_rows as (
    select * from {{ frozen('rows') }}
),

final as (
    select
        month_date,
        version,
        metric,
        employee_id,
        department_id,
        detail_mart,
        detail_key,
        value
    from frozen_rows
)

select * from final
