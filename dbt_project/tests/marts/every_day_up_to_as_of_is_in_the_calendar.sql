-- The calendar has no hole up to as_of: running sums over its days would skip one.
with calendar as (
    select
        min(calendar_date) as first_date,
        count(*) as days,
        sum(case when is_as_of then 1 else 0 end) as as_of_days
    from {{ ref('dim_date') }}
    where calendar_date <= {{ as_of() }}
),

final as (
    select *
    from calendar
    where
        days != {{ dbt.datediff('first_date', as_of(), 'day') }} + 1
        or as_of_days != 1
)

select * from final
