with customers as (
    select * from {{ ref('core_customers') }}
),

interactions as (
    select * from {{ ref('core_customer_interactions') }}
),

tasks as (
    select * from {{ ref('core_tasks') }}
),

orders as (
    select * from {{ ref('core_orders') }}
),

payments as (
    select * from {{ ref('core_payments') }}
),

opportunities as (
    select * from {{ ref('core_opportunities') }}
),

moves as (
    select * from {{ ref('core_customer_relationship_history') }}
),

owners as (
    select * from {{ ref('core_customer_owner_history') }}
),

weekday_labels as (
    select * from {{ ref('labels') }}
    where domain = 'weekday'
),

known_dates as (
    select {{ as_of() }} as calendar_date
    union
    select customers.created_date as calendar_date from customers
    union
    select interactions.occurred_date as calendar_date from interactions
    union
    select cast(tasks.created_at as date) as calendar_date from tasks
    union
    select cast(tasks.due_at as date) as calendar_date from tasks
    union
    select cast(tasks.completed_at as date) as calendar_date from tasks
    union
    select orders.order_date as calendar_date from orders
    union
    select payments.paid_on as calendar_date from payments
    union
    select cast(opportunities.created_at as date) as calendar_date from opportunities
    union
    select cast(opportunities.closed_at as date) as calendar_date from opportunities
    union
    select cast(moves.valid_from_at as date) as calendar_date from moves
    union
    select cast(owners.valid_from_at as date) as calendar_date from owners
),

bounds as (
    select
        cast({{ dbt.date_trunc('year', 'min(known_dates.calendar_date)') }} as date) as first_date,
        cast(
            {{ dbt.dateadd('day', -1, dbt.dateadd('year', 1, dbt.date_trunc('year', as_of()))) }} as date
        ) as last_date
    from known_dates
),

spine as (
    select {{ each_day('bounds.first_date', 'bounds.last_date') }} as calendar_date
    from bounds
),

-- Single far dates (a task due in 2099) and their months are members, without every day up to them.
days as (
    select cast(spine.calendar_date as date) as calendar_date from spine
    union
    select known_dates.calendar_date from known_dates
    where known_dates.calendar_date is not null
    union
    select {{ month_of('known_dates.calendar_date') }} as calendar_date from known_dates
    where known_dates.calendar_date is not null
),

numbered as (
    select
        days.calendar_date,
        {{ iso_weekday('days.calendar_date') }} as weekday_number,
        {{ iso_week('days.calendar_date') }} as iso_week_number
    from days
),

final as (
    select
        numbered.calendar_date,
        cast({{ dbt.dateadd('day', '1 - numbered.weekday_number', 'numbered.calendar_date') }} as date) as week_date,
        {{ month_of('numbered.calendar_date') }} as month_date,
        cast({{ dbt.date_trunc('quarter', 'numbered.calendar_date') }} as date) as quarter_date,
        cast(extract(year from numbered.calendar_date) as integer) as year_number,
        cast(extract(month from numbered.calendar_date) as integer) as month_number,
        cast(numbered.iso_week_number as integer) as iso_week_number,
        cast(numbered.weekday_number as integer) as weekday_number,
        cast(weekday_labels.label_vi as string) as weekday_name_vi,
        cast(weekday_labels.label_en as string) as weekday_name_en,
        cast(numbered.weekday_number >= 6 as boolean) as is_weekend,
        cast(numbered.calendar_date = {{ as_of() }} as boolean) as is_as_of
    from numbered
    left join weekday_labels on cast(numbered.weekday_number as string) = weekday_labels.code
)

select * from final
